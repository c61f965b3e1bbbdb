//! The only place where an error becomes a gRPC status or an HTTP body. The caller gets a stable code, the field that is
//! meant and a sentence without secrets; no prompt text and no key is ever part of one.

use std::borrow::Cow;
use std::time::Duration;

use crate::messages::FieldError;
use bytes::Bytes;
use decision::PicoUsd;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

/// Where a status names the field it is about.
pub const FIELD_KEY: &str = "pointsman-field";

/// Where a shed caller reads when to come again, in milliseconds; the name that gRPC clients with a retry policy know.
pub const PUSHBACK_KEY: &str = "grpc-retry-pushback-ms";

/// Why a request gets no decision.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A field that holds what it may not.
    #[error("{field}: {complaint}")]
    Field {
        /// The field, as the caller's door spells it.
        field: String,
        /// What was expected and what was found.
        complaint: String,
    },
    /// A body that cannot be read at all.
    #[error("{complaint}")]
    Unreadable {
        /// Where reading stopped, and why.
        complaint: String,
    },
    /// A body over the limit.
    #[error("expected a body of at most {most} bytes (limits.max_body_bytes)")]
    TooLarge {
        /// The limit.
        most: usize,
    },
    /// A body in a form nobody reads here.
    #[error("{complaint}")]
    MediaType {
        /// What was expected.
        complaint: String,
    },
    /// Nobody may serve.
    #[error("{complaint}")]
    Refused {
        /// Why not.
        complaint: String,
    },
    /// Too much at once.
    #[error("the service is at its limit ({limit}); come again in {} ms", .retry_after.as_millis())]
    Overloaded {
        /// The limit's key.
        limit: &'static str,
        /// When to come again.
        retry_after: Duration,
    },
    /// The caller's deadline, or ours, has passed.
    #[error("{complaint}")]
    Late {
        /// Which one.
        complaint: &'static str,
    },
    /// No token, or one nobody has.
    #[error("expected `authorization: Bearer TOKEN` with the token of a listed caller")]
    Unauthenticated,
    /// A caller that may not do this.
    #[error("{complaint}")]
    Forbidden {
        /// Who may.
        complaint: &'static str,
    },
    /// Something named that is not there.
    #[error("{field}: {complaint}")]
    NotFound {
        /// The field that names it; empty for a path.
        field: Cow<'static, str>,
        /// What was looked for.
        complaint: String,
    },
    /// A path that knows other methods.
    #[error("expected {allow}")]
    Method {
        /// The methods it knows.
        allow: &'static str,
    },
    /// Something of ours does not work.
    #[error("{complaint}")]
    Broken {
        /// What.
        complaint: String,
    },
    /// No provider gave an answer.
    #[error(transparent)]
    Upstream(Box<Unanswered>),
}

/// Why no provider gave an answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{complaint}")]
pub struct Unanswered {
    /// How it ended.
    pub end: UpstreamEnd,
    /// The field that the provider complains about, where it is the caller's fault and it says so.
    pub field: String,
    /// What happened, without secrets and of bounded length.
    pub complaint: String,
    /// When to come again, where somebody said.
    pub retry_after: Option<Duration>,
    /// What the attempts cost all the same.
    pub cost: PicoUsd,
    /// Attempts made.
    pub n_attempts: u32,
}

/// How a call ended that nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamEnd {
    /// The provider refused the request itself.
    Refused,
    /// The prompt is longer than any model left could hold.
    TooLong,
    /// Every provider is at its limit.
    Busy,
    /// Every provider has kept failing, and is left alone for a while.
    Away,
    /// Every provider failed.
    Failed,
    /// None answered in time.
    Late,
    /// The answer began and broke off.
    Cut,
    /// No provider's prices stay within the caller's cap.
    Unaffordable,
}

impl UpstreamEnd {
    /// The word for it in bodies, metrics and events, the gRPC code, the HTTP status.
    pub fn codes(self) -> (&'static str, Code, StatusCode) {
        match self {
            Self::Refused => ("upstream_refused", Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::TooLong => ("context_length_exceeded", Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::Busy => ("upstream_busy", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
            Self::Away => ("upstream_away", Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            Self::Failed => ("upstream_failed", Code::Unavailable, StatusCode::BAD_GATEWAY),
            Self::Late => ("upstream_late", Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
            Self::Cut => ("upstream_cut", Code::Aborted, StatusCode::BAD_GATEWAY),
            // The word of a decision that finds nobody within the cap: whose prices break it, ours or theirs, is all one to a caller.
            Self::Unaffordable => ("refused", Code::FailedPrecondition, StatusCode::UNPROCESSABLE_ENTITY),
        }
    }
}

impl Rejection {
    /// A field that holds what it may not.
    pub(crate) fn field(field: impl Into<String>, complaint: impl std::fmt::Display) -> Self {
        Self::Field { field: field.into(), complaint: complaint.to_string() }
    }

    /// The field that is meant, where one is.
    pub fn named_field(&self) -> &str {
        match self {
            Self::Field { field, .. } => field,
            Self::NotFound { field, .. } => field,
            Self::Upstream(unanswered) => &unanswered.field,
            Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::MediaType { .. }
            | Self::Refused { .. }
            | Self::Overloaded { .. }
            | Self::Late { .. }
            | Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::Method { .. }
            | Self::Broken { .. } => "",
        }
    }

    /// The word for it in HTTP bodies and metrics, the gRPC code, the HTTP status.
    pub fn codes(&self) -> (&'static str, Code, StatusCode) {
        match self {
            Self::Field { .. } => ("invalid_argument", Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::Unreadable { .. } => ("unreadable", Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::TooLarge { .. } => ("too_large", Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
            Self::MediaType { .. } => ("media_type", Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Refused { .. } => ("refused", Code::FailedPrecondition, StatusCode::UNPROCESSABLE_ENTITY),
            Self::Overloaded { .. } => ("overloaded", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
            Self::Late { .. } => ("deadline_exceeded", Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
            Self::Unauthenticated => ("unauthenticated", Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Self::Forbidden { .. } => ("forbidden", Code::PermissionDenied, StatusCode::FORBIDDEN),
            Self::NotFound { .. } => ("not_found", Code::NotFound, StatusCode::NOT_FOUND),
            Self::Method { .. } => ("method_not_allowed", Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
            Self::Broken { .. } => ("internal", Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
            Self::Upstream(unanswered) => unanswered.end.codes(),
        }
    }

    /// As a gRPC status.
    pub(crate) fn status(&self) -> Status {
        let (_, code, _) = self.codes();
        let mut metadata = MetadataMap::new();
        if let Ok(field) = MetadataValue::try_from(self.named_field())
            && !field.is_empty()
        {
            metadata.insert(FIELD_KEY, field);
        }
        if let Some(retry_after) = self.retry_after()
            && let Ok(ms) = MetadataValue::try_from(retry_after.as_millis().to_string())
        {
            metadata.insert(PUSHBACK_KEY, ms);
        }
        Status::with_metadata(code, self.sentence(), metadata)
    }

    /// As an HTTP reply, in the shape clients of OpenAI's interface know.
    pub(crate) fn reply(&self) -> Response<Full<Bytes>> {
        let (_, _, status) = self.codes();
        let mut reply = Response::new(Full::new(Bytes::from(self.body())));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Overloaded { .. } | Self::Upstream(_) => {
                let whole_seconds = |span: Duration| span.as_millis().div_ceil(1000).max(1).to_string();
                let value = self.retry_after().map(whole_seconds).and_then(|text| HeaderValue::try_from(text).ok());
                headers.extend(value.map(|value| (RETRY_AFTER, value)));
            }
            Self::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Method { allow } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::Field { .. }
            | Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::MediaType { .. }
            | Self::Refused { .. }
            | Self::Late { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Broken { .. } => {}
        }
        reply
    }

    /// The body of that reply, and of the event that ends a stream which broke.
    pub(crate) fn body(&self) -> Vec<u8> {
        let (word, _, status) = self.codes();
        let field = self.named_field();
        let error = ErrorJson {
            message: self.sentence(),
            r#type: match status {
                StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
                status if status.is_client_error() => "invalid_request_error",
                _ => "server_error",
            },
            param: (!field.is_empty()).then_some(field),
            code: word,
        };
        serde_json::to_vec(&BodyJson { error }).expect("strings have a JSON form")
    }

    /// The same complaint about a field that stands inside another one.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Field { field, complaint } if field.is_empty() => Self::Field { field: outer.to_owned(), complaint },
            Self::Field { field, complaint } => Self::Field { field: format!("{outer}.{field}"), complaint },
            Self::Unreadable { complaint } => Self::Field { field: outer.to_owned(), complaint },
            other => other,
        }
    }

    /// The same complaint about the field as its caller wrote it, where that is another place.
    pub(crate) fn respelled(self, place: impl FnOnce(&str) -> Option<String>) -> Self {
        match self {
            Self::Field { field, complaint } => Self::Field { field: place(&field).unwrap_or(field), complaint },
            Self::NotFound { field, complaint } => {
                Self::NotFound { field: place(&field).map_or(field, Cow::Owned), complaint }
            }
            Self::Upstream(unanswered) => {
                let field = place(&unanswered.field).unwrap_or_else(|| unanswered.field.clone());
                Self::Upstream(Box::new(Unanswered { field, ..*unanswered }))
            }
            other => other,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after, .. } => Some(*retry_after),
            Self::Upstream(unanswered) => unanswered.retry_after,
            Self::Field { .. }
            | Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::MediaType { .. }
            | Self::Refused { .. }
            | Self::Late { .. }
            | Self::Unauthenticated
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Method { .. }
            | Self::Broken { .. } => None,
        }
    }

    /// As the answer to one request of a batch; `place` is where it stood.
    pub(crate) fn in_batch(&self, place: usize) -> proto::v1::Error {
        let (_, code, _) = self.codes();
        let field = match self.named_field() {
            "" => format!("requests[{place}]"),
            field => format!("requests[{place}].{field}"),
        };
        proto::v1::Error { code: code.into(), field, message: self.sentence() }
    }

    fn sentence(&self) -> String {
        match self {
            Self::NotFound { field, complaint } if field.is_empty() => complaint.clone(),
            other => other.to_string(),
        }
    }
}

impl From<FieldError> for Rejection {
    fn from(error: FieldError) -> Self {
        let FieldError { field, expected, found } = error;
        Self::Field { field, complaint: format!("expected {expected}, found {found}") }
    }
}

#[derive(Serialize)]
struct BodyJson<'a> {
    error: ErrorJson<'a>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    message: String,
    r#type: &'static str,
    param: Option<&'a str>,
    code: &'static str,
}

#[cfg(test)]
mod tests;
