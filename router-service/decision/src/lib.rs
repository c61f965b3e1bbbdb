//! The decision engine: pure, synchronous, deterministic. It is told everything and touches nothing.
//! Start at `decide`; the shell around it brings the catalog, the evidence, the clock and the dice.

mod attempts;
mod budget;
mod candidates;
mod catalog;
mod decide;
pub mod document;
mod evidence;
mod explain;
mod explore;
mod flip;
mod health;
mod nearest;
mod policy;
mod promise;
mod rank;
mod request;
#[cfg(test)]
mod scenario;
mod session;
mod skills;
mod stay;
mod units;
mod version;
mod watch;
mod weighted;

pub use attempts::{
    AttemptRule, Attempts, Cause, End, Failure, Fault, Gate, Hop, MAX_ATTEMPTS, MAX_HOPS, Next, PlanError, Retry,
};
pub use budget::BudgetState;
pub use candidates::{Candidate, Candidates, CandidatesError, Exclusion, Expectation, MAX_CANDIDATES};
pub use catalog::{
    ASSUMED_OUTPUT_TOKENS, Catalog, CatalogError, MAX_MODELS, Model, Prices, Region, Skill, Skills, Usage,
};
pub use decide::{Decision, Refusal, RefusalCause, decide};
pub use evidence::{Absent, Evidence, Forecast, ForecastError, ModelForecast};
pub use explain::Reason;
pub use explore::{Exploration, MAX_EXPLORATION, RateError};
pub use flip::{Change, Flip, Parameter, Side};
pub use health::{Breaker, BreakerRule, Health, Permit};
pub use nearest::nearest;
pub use policy::{
    Basis, Lean, MAX_FALLBACKS, MAX_POLICIES, MAX_POLICY_NAME_BYTES, Mode, Policies, Policy, PolicyError, PolicyName,
    Rules, WhenSpent, stray_parameter,
};
pub use promise::{
    Loss, MAX_PROMISED_SLICES, MAX_SLICE_NAME_BYTES, OnAlarm, Promise, PromiseError, Reference, Slices, Span, Terms,
    Void, Weighed,
};
pub use request::{Limits, RequestFacts};
pub use session::{Lock, MarginError, SessionFacts, SessionRule};
pub use units::{
    Draw, MAX_MODEL_ID_BYTES, MAX_PRICE_USD_PER_1M, MAX_TOKENS, MAX_USD, ModelId, Moment, PicoUsd, Price, Quality,
    Tokens, UnitError,
};
pub use watch::{Alarm, CALIBRATION_MARGIN, FALSE_ALARM, Served, Watch};
pub use weighted::weighted_order;
