//! How calls are forwarded: how often and how long is tried, what is hedged, what savings are counted against. A time that a
//! provider gives for itself stands above the one given here.

use std::collections::BTreeMap;
use std::time::Duration;

use decision::document::{DocumentError, Step};
use decision::{AttemptRule, MAX_ATTEMPTS, ModelId};

use super::check::Check;
use super::provider::{self, Patience, ProviderRule};
use super::written::{ForwardingWritten, Written};

const SECTION: &str = "forwarding";

/// How calls are forwarded.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardingRule {
    /// How often it is tried, and how long in all.
    pub attempts: AttemptRule,
    /// How long one try may take, where its provider says nothing else.
    pub patience: Patience,
    /// Calls under way at once.
    pub max_concurrent_calls: usize,
    /// Bytes of a reply that is not streamed.
    pub max_reply_bytes: usize,
    /// When a second provider is asked beside the first.
    pub hedge: HedgeRule,
    /// Whether a model that was asked for by name may be replaced by the next of the ranking.
    pub fallbacks_when_named: bool,
    /// The model that savings are counted against.
    pub baseline: Option<ModelId>,
    /// Whom calls go to.
    pub providers: Vec<ProviderRule>,
}

/// When a second provider is asked beside the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeRule {
    /// Of all calls, the share that may be asked twice; 0 switches it off.
    pub share: f64,
    /// The wait for a first token before the second is asked, where nothing is known of the first one's usual time.
    pub after_ms: u64,
}

/// Checks what is written and fills in what is not.
pub(super) fn checked(
    check: &Check<'_>,
    written: &Written,
    environment: &BTreeMap<String, String>,
) -> Result<ForwardingRule, DocumentError> {
    let found = &written.forwarding;
    let number = |key, found, usual, range| check.number(SECTION, key, found, usual, range);
    let ms = |key, found, usual, range| check.ms(SECTION, key, found, usual, range);
    let patience = Patience {
        connect: ms("connect_ms", found.connect_ms, 3_000, 1..=600_000)?,
        first_token: ms("first_token_ms", found.first_token_ms, 30_000, 1..=3_600_000)?,
        between_tokens: ms("between_tokens_ms", found.between_tokens_ms, 30_000, 1..=3_600_000)?,
        reply: ms("reply_ms", found.reply_ms, 300_000, 1..=3_600_000)?,
    };
    let backoff_ms = number("backoff_ms", found.backoff_ms, 100, 0..=60_000)?;
    let attempts = AttemptRule {
        n_attempts_max: u32::try_from(number("n_attempts_max", found.n_attempts_max, 4, 1..=u64::from(MAX_ATTEMPTS))?)
            .unwrap_or(MAX_ATTEMPTS),
        total_ms: number("total_ms", found.total_ms, 600_000, 1..=7_200_000)?,
        first_byte_ms: millis(patience.first_token),
        backoff_ms,
        backoff_ms_max: number("backoff_ms_max", found.backoff_ms_max, 2_000.max(backoff_ms), backoff_ms..=600_000)?,
    };
    let share = found.hedge_share.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&share) {
        return Err(check.fault(SECTION, "hedge_share", format!("expected a share between 0 and 1, found {share}")));
    }
    let baseline = found.baseline_model.as_deref().map(ModelId::new).transpose();
    Ok(ForwardingRule {
        attempts,
        patience,
        max_concurrent_calls: check.count(
            SECTION,
            "max_concurrent_calls",
            found.max_concurrent_calls,
            1_024,
            1..=1_000_000,
        )?,
        max_reply_bytes: check.count(
            SECTION,
            "max_reply_bytes",
            found.max_reply_bytes,
            32 * 1024 * 1024,
            1_024..=1024 * 1024 * 1024,
        )?,
        hedge: HedgeRule { share, after_ms: number("hedge_after_ms", found.hedge_after_ms, 2_000, 1..=3_600_000)? },
        fallbacks_when_named: found.fallbacks_when_named.unwrap_or(false),
        baseline: baseline.map_err(|error| check.fault(SECTION, "baseline_model", error))?,
        providers: provider::checked(check, &written.provider, &patience, environment)?,
    })
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Where a key of one provider stands.
pub(super) fn place(index: usize, key: &str) -> [Step; 3] {
    ["provider".into(), index.into(), key.into()]
}

impl ForwardingWritten {
    pub(super) fn of(rule: &ForwardingRule) -> Self {
        let whole = |number: usize| u64::try_from(number).ok();
        let ForwardingRule { attempts, patience, hedge, .. } = rule;
        Self {
            n_attempts_max: Some(u64::from(attempts.n_attempts_max)),
            total_ms: Some(attempts.total_ms),
            connect_ms: Some(millis(patience.connect)),
            first_token_ms: Some(millis(patience.first_token)),
            between_tokens_ms: Some(millis(patience.between_tokens)),
            reply_ms: Some(millis(patience.reply)),
            backoff_ms: Some(attempts.backoff_ms),
            backoff_ms_max: Some(attempts.backoff_ms_max),
            max_concurrent_calls: whole(rule.max_concurrent_calls),
            max_reply_bytes: whole(rule.max_reply_bytes),
            hedge_share: Some(hedge.share),
            hedge_after_ms: Some(hedge.after_ms),
            fallbacks_when_named: Some(rule.fallbacks_when_named),
            baseline_model: rule.baseline.as_ref().map(ToString::to_string),
        }
    }
}
