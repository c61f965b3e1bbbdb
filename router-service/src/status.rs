//! The only place where an error becomes a gRPC status or an HTTP body. The caller gets a stable code, the field that is
//! meant and a sentence without secrets; no prompt text and no key is ever part of one.

use std::time::Duration;

use crate::messages::FieldError;
use bytes::Bytes;
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
        field: &'static str,
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
        if let Self::Overloaded { retry_after, .. } = self
            && let Ok(ms) = MetadataValue::try_from(retry_after.as_millis().to_string())
        {
            metadata.insert(PUSHBACK_KEY, ms);
        }
        Status::with_metadata(code, self.sentence(), metadata)
    }

    /// As an HTTP reply, in the shape clients of OpenAI's interface know.
    pub(crate) fn reply(&self) -> Response<Full<Bytes>> {
        let (word, _, status) = self.codes();
        let field = self.named_field();
        let error = ErrorJson {
            message: self.sentence(),
            r#type: if status.is_client_error() { "invalid_request_error" } else { "server_error" },
            param: (!field.is_empty()).then_some(field),
            code: word,
        };
        let body = serde_json::to_vec(&BodyJson { error }).expect("strings have a JSON form");
        let mut reply = Response::new(Full::new(Bytes::from(body)));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Overloaded { retry_after, .. } => {
                let whole_seconds = retry_after.as_millis().div_ceil(1000).max(1).to_string();
                headers.extend(HeaderValue::try_from(whole_seconds).ok().map(|value| (RETRY_AFTER, value)));
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
            Self::NotFound { field: "", complaint } => complaint.clone(),
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
