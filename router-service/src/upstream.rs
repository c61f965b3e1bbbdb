//! Calls to providers. A call opens a reply or a stream of chunks in OpenAI's shape, or says how it failed in the two facts that
//! failover reads. What a provider speaks ends in this folder: past it there is one shape.

use std::time::Duration;

use decision::{Failure, Fault, Retry};

use crate::status::UpstreamEnd;

pub(crate) mod anthropic;
pub(crate) mod call;
pub(crate) mod connect;
pub(crate) mod echo;
pub(crate) mod failure;
pub(crate) mod fleet;
mod halves;
pub(crate) mod openai;
pub(crate) mod provider;
pub(crate) mod roots;
pub(crate) mod sse;
pub(crate) mod stream;
pub(crate) mod usage;
mod vocabularies;

/// What the router calls the cap on the bill of a call.
const MAX_COST_FIELD: &str = "limits.max_cost_usd";

/// Bytes of an error's body that are read.
pub(crate) const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failed {
    /// What failover goes by.
    pub(crate) failure: Failure,
    /// How it is told, if nobody else answers.
    pub(crate) end: UpstreamEnd,
    /// The field that the provider complains about.
    pub(crate) field: String,
    /// What happened, without secrets and of bounded length.
    pub(crate) complaint: String,
    /// How long the provider is to be left alone by all calls, where it is at a limit and says so.
    pub(crate) rest: Option<Duration>,
    /// What it tells of the provider's health.
    pub(crate) word: Word,
    /// Whether the provider may bill for it all the same: it got the call and did not refuse it.
    pub(crate) may_cost: bool,
    /// What only whoever runs the service should read of it: addresses, and why a certificate is not believed.
    pub(crate) cause: Option<String>,
}

/// What the end of a call tells of its provider's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is there, and does what it should.
    Good,
    /// It is not well: what its breaker counts.
    Bad,
    /// Nothing was learned.
    Nothing,
}

impl Failed {
    /// The provider was not reached: nothing happened there.
    pub(crate) fn unreached(complaint: impl Into<String>) -> Self {
        Self::of(Fault::Provider, Retry::Elsewhere, UpstreamEnd::Failed, complaint)
    }

    /// The provider got the call and gave no answer that can be used. A completion changes nothing but the bill, so it is safe to
    /// ask elsewhere; what this may have cost is counted.
    pub(crate) fn lost(complaint: impl Into<String>) -> Self {
        let lost = Self::of(Fault::Provider, Retry::Elsewhere, UpstreamEnd::Failed, complaint);
        Self { may_cost: true, ..lost }
    }

    /// The provider took too long.
    pub(crate) fn late(complaint: impl Into<String>) -> Self {
        Self { end: UpstreamEnd::Late, ..Self::lost(complaint) }
    }

    /// The time that its caller or `forwarding.total_ms` gave the whole call passed before the provider's own patience did. Whoever
    /// waits for a second tells nothing of a provider that answers within two, and must not take it away from everybody else.
    pub(crate) fn cut_short() -> Self {
        Self { word: Word::Nothing, ..Self::late("the time for the whole call passed") }
    }

    /// Any failure that cost nothing.
    pub(crate) fn of(fault: Fault, retry: Retry, end: UpstreamEnd, complaint: impl Into<String>) -> Self {
        let failure = Failure { fault, retry };
        let complaint = complaint.into();
        let word = match (fault, end) {
            (Fault::Provider, UpstreamEnd::Failed | UpstreamEnd::Late) => Word::Bad,
            (_, UpstreamEnd::Busy) => Word::Nothing,
            (_, _) => Word::Good,
        };
        Self { failure, end, field: String::new(), complaint, rest: None, word, may_cost: false, cause: None }
    }

    /// No place to ask is cheap enough for the caller's cap, and nothing was sent.
    pub(crate) fn unaffordable(complaint: String) -> Self {
        let dear = Self::of(Fault::Provider, Retry::Elsewhere, UpstreamEnd::Unaffordable, complaint);
        Self { field: MAX_COST_FIELD.to_owned(), word: Word::Nothing, ..dear }
    }

    /// What is asked cannot be said to this provider, and nothing was sent; another one may speak a language that can.
    pub(crate) fn unsayable(field: String, complaint: String) -> Self {
        let unsaid = Self::of(Fault::Provider, Retry::Elsewhere, UpstreamEnd::Refused, complaint);
        Self { field, word: Word::Nothing, ..unsaid }
    }
}
