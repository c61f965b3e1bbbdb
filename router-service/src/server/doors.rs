//! The two doors as the server sees them: whose path this is, how a rejection is told there, and the answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use http::header::HeaderValue;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use proto::v1::router_server::{RouterServer, SERVICE_NAME};
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::ServerError;
use super::charge::{BodyError, Charged};
use super::unread::Lent;
use crate::http::{Access, CHAT_COMPLETIONS, Http, access_of, method_of};
use crate::pipeline::Pipeline;
use crate::rpc::Rpc;
use crate::status::Rejection;

/// A door.
#[derive(Clone)]
pub(crate) enum Door {
    /// HTTP/2 with gRPC inside.
    Grpc(GrpcDoor),
    /// HTTP/1.1 or 2 with JSON inside.
    Http(Http),
}

impl Door {
    /// The word for it in metrics and spans.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Grpc(_) => "grpc",
            Self::Http(_) => "http",
        }
    }

    /// The word for what is asked, the same for both doors.
    pub(super) fn method(&self, path: &str) -> &'static str {
        match self {
            Self::Http(_) => method_of(path),
            Self::Grpc(_) => match path.strip_prefix(ROUTER_PREFIX) {
                Some("Route") => "route",
                Some("Complete") => "complete",
                Some("RouteBatch") => "route_batch",
                Some("ListModels") => "list_models",
                Some("ReportOutcome") => "report_outcome",
                Some(_) => "other",
                None => match service_of(path) {
                    HEALTH => "health",
                    REFLECTION_V1 | REFLECTION_V1ALPHA => "reflection",
                    _ => "other",
                },
            },
        }
    }

    /// Who may call what this asks for.
    pub(super) fn access(&self, method: &Method, path: &str) -> Result<Access, Rejection> {
        match self {
            Self::Http(_) => access_of(method, path),
            Self::Grpc(_) if service_of(path) == HEALTH => Ok(Access::Anybody),
            Self::Grpc(_) => Ok(Access::Caller),
        }
    }

    /// Whether this is a call that is forwarded: it takes as long as a model does, and has limits of its own.
    pub(super) fn forwards(&self, path: &str) -> bool {
        match self {
            Self::Http(_) => path == CHAT_COMPLETIONS,
            Self::Grpc(_) => path.strip_prefix(ROUTER_PREFIX) == Some("Complete"),
        }
    }

    /// A rejection in this door's words.
    pub(super) fn rejected(&self, rejection: &Rejection) -> Response<tonic::body::Body> {
        match self {
            Self::Http(_) => rejection.reply().map(tonic::body::Body::new),
            Self::Grpc(_) => rejection.status().into_http(),
        }
    }

    /// The answer.
    pub(crate) async fn answer(
        &self,
        request: Request<Charged<Lent<Incoming>>>,
        at: Instant,
    ) -> Response<tonic::body::Body> {
        match self {
            Self::Http(door) => door.answer(request, at).await,
            Self::Grpc(door) => door.answer(request, at).await,
        }
    }
}

const ROUTER_PREFIX: &str = "/pointsman.v1.Router/";
const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION_V1: &str = "grpc.reflection.v1.ServerReflection";
const REFLECTION_V1ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// `/pointsman.v1.Router/Route` -> `pointsman.v1.Router`
fn service_of(path: &str) -> &str {
    path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or("", |(service, _)| service)
}

/// A service of tonic's whose type nobody can name, as a function.
type Erased = Arc<dyn Fn(Request<tonic::body::Body>) -> Answering + Send + Sync>;
type Answering = Pin<Box<dyn Future<Output = Response<tonic::body::Body>> + Send>>;

fn erased<S>(service: S) -> Erased
where
    S: Service<Request<tonic::body::Body>, Response = Response<tonic::body::Body>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    Arc::new(move |request| {
        let answer = service.clone().call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    })
}

/// The services of the gRPC door, by name.
#[derive(Clone)]
pub(crate) struct GrpcDoor {
    services: Arc<[(&'static str, Erased)]>,
}

impl GrpcDoor {
    /// The router, its health and its description.
    pub(crate) async fn new(pipeline: &Arc<Pipeline>) -> Result<(Self, HealthSign), ServerError> {
        let reporter = HealthReporter::new();
        let sign = HealthSign(reporter.clone());
        sign.0.set_service_status(SERVICE_NAME, ServingStatus::Serving).await;
        let most = pipeline.limits.max_body_bytes;
        // Read, not written: packing a reply of four kilobytes costs more time than sending it does.
        let router = RouterServer::new(Rpc::new(Arc::clone(pipeline)))
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(most);
        let describe = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let failed = |error: tonic_reflection::server::Error| ServerError::Reflection(error.to_string());
        let services = [
            (SERVICE_NAME, erased(router)),
            (HEALTH, erased(HealthServer::new(HealthService::from_health_reporter(reporter)))),
            (REFLECTION_V1, erased(describe().build_v1().map_err(failed)?)),
            (REFLECTION_V1ALPHA, erased(describe().build_v1alpha().map_err(failed)?)),
        ];
        Ok((Self { services: Arc::from(services) }, sign))
    }

    async fn answer(&self, request: Request<Charged<Lent<Incoming>>>, at: Instant) -> Response<tonic::body::Body> {
        let asked = service_of(request.uri().path());
        let Some((_, service)) = self.services.iter().find(|(name, _)| *name == asked) else {
            return Status::unimplemented("no such service; server reflection lists those there are").into_http();
        };
        // Tonic tells a body's failure in the words of a status if it is one.
        let status = |error: BodyError| match error.downcast::<Rejection>() {
            Ok(rejection) => Box::new(rejection.status()) as BodyError,
            Err(error) => error,
        };
        let mut request = request.map(|body| tonic::body::Body::new(body.map_err(status)));
        request.extensions_mut().insert(at);
        reworded(service(request).await)
    }
}

/// Tonic calls a message that it cannot read an error of ours, and one that is too long out of range; both are the caller's.
fn reworded(mut response: Response<tonic::body::Body>) -> Response<tonic::body::Body> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let code = match (header("grpc-status"), header("grpc-message")) {
        ("13", message) if message.starts_with("failed%20to%20decode") => Code::InvalidArgument,
        ("11", message) if message.contains("message%20length%20too%20large") => Code::ResourceExhausted,
        (_, _) => return response,
    };
    response.headers_mut().insert("grpc-status", HeaderValue::from(i32::from(code)));
    response
}

/// What the health service says.
pub(crate) struct HealthSign(HealthReporter);

impl HealthSign {
    /// Tells balancers to look elsewhere.
    pub(crate) async fn not_serving(&self) {
        for service in ["", SERVICE_NAME] {
            self.0.set_service_status(service, ServingStatus::NotServing).await;
        }
    }
}
