//! Who gets in: a place among the requests under way, a token where tokens are asked for, a share of the memory for bodies,
//! and a time by which there is an answer. Whoever is turned away hears why, and when to come again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{Caller, Limits, Settings};
use crate::http::Access;
use crate::server::doors::Door;
use crate::status::Rejection;

/// The rules at the entrance, for both doors together.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Semaphore,
    memory: Arc<Memory>,
    callers: Vec<Caller>,
    open_to_admins: bool,
    request_timeout: Duration,
    retry_after: Duration,
    n_shed: AtomicU64,
}

impl Admission {
    pub(crate) fn new(settings: &Settings, open_to_admins: bool) -> Self {
        let Limits { max_concurrent_requests, max_bytes_in_flight, request_timeout, retry_after, .. } = settings.limits;
        let memory = Memory { used: AtomicUsize::new(0), most: max_bytes_in_flight, retry_after };
        Self {
            places: Semaphore::new(max_concurrent_requests),
            memory: Arc::new(memory),
            callers: settings.callers.clone(),
            open_to_admins,
            request_timeout,
            retry_after,
            n_shed: AtomicU64::new(0),
        }
    }

    /// Lets a request through to its door, or says why not.
    pub(crate) async fn admit(&self, door: &Door, request: Request<Incoming>) -> Response<tonic::body::Body> {
        let at = Instant::now();
        let access = match door.access(&request) {
            Ok(access) => access,
            Err(rejection) => return door.rejected(&request, &rejection),
        };
        // Probes are answered whatever the load: a service that sheds is alive.
        if access == Access::Anybody {
            return door.answer(request.map(|body| Charged::new(body, &self.memory)), at).await;
        }
        if let Err(rejection) = self.may_call(access, request.headers()) {
            return door.rejected(&request, &rejection);
        }
        let Ok(_place) = self.places.try_acquire() else {
            self.n_shed.fetch_add(1, Ordering::Relaxed);
            let limit = "limits.max_concurrent_requests";
            return door.rejected(&request, &Rejection::Overloaded { limit, retry_after: self.retry_after });
        };
        let late = Rejection::Late { complaint: "the request took longer than limits.request_timeout_ms" };
        let late = door.rejected(&request, &late);
        let account = Arc::new(Account { memory: Arc::clone(&self.memory), used: AtomicUsize::new(0) });
        let request = request.map(|body| Charged { body, account: Arc::clone(&account) });
        // The account is held to the end of the answer: a body that was read lives on as the prompt.
        let answer = timeout(self.request_timeout, door.answer(request, at)).await;
        drop(account);
        answer.unwrap_or(late)
    }

    fn may_call(&self, access: Access, headers: &HeaderMap) -> Result<(), Rejection> {
        if self.callers.is_empty() {
            return match access {
                Access::Admin if !self.open_to_admins => Err(Rejection::Forbidden {
                    complaint: "an admin call needs a caller with `admin = true` where the service listens beyond loopback",
                }),
                Access::Admin | Access::Caller | Access::Anybody => Ok(()),
            };
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
        let caller = token.and_then(|token| self.callers.iter().find(|caller| caller.bears(token)));
        match (caller, access) {
            (None, _) => Err(Rejection::Unauthenticated),
            (Some(caller), Access::Admin) if !caller.admin => {
                Err(Rejection::Forbidden { complaint: "expected a caller with `admin = true`" })
            }
            (Some(_), Access::Admin | Access::Caller | Access::Anybody) => Ok(()),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The memory that all bodies together may take.
#[derive(Debug)]
struct Memory {
    used: AtomicUsize,
    most: usize,
    retry_after: Duration,
}

/// What one request has taken of it, given back when the request ends.
#[derive(Debug)]
struct Account {
    memory: Arc<Memory>,
    used: AtomicUsize,
}

impl Account {
    fn charge(&self, bytes: usize) -> Result<(), Rejection> {
        let used = self.memory.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.used.fetch_add(bytes, Ordering::Relaxed);
        if used > self.memory.most {
            let retry_after = self.memory.retry_after;
            return Err(Rejection::Overloaded { limit: "limits.max_bytes_in_flight", retry_after });
        }
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.used.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A body that is charged for as it is read.
#[derive(Debug)]
pub(crate) struct Charged<B> {
    body: B,
    account: Arc<Account>,
}

impl<B> Charged<B> {
    fn new(body: B, memory: &Arc<Memory>) -> Self {
        Self { body, account: Arc::new(Account { memory: Arc::clone(memory), used: AtomicUsize::new(0) }) }
    }
}

/// What a body can fail of.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

impl<B> Body for Charged<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        polled.map(|next| {
            let frame = match next? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error.into())),
            };
            let n_bytes = frame.data_ref().map_or(0, Bytes::len);
            Some(match self.account.charge(n_bytes) {
                Ok(()) => Ok(frame),
                Err(rejection) => Err(Box::new(rejection) as BodyError),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
