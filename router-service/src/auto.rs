//! The names that let a policy choose, `auto` and `auto:POLICY`, as they stand beside the models: how much some model behind them
//! holds, and between which prices an answer lies. What is told holds for any plain prompt of that size, not only for some.

use decision::{Limits, Model, Policy, Prices, Tokens};

use crate::chat::AUTO;
use crate::relay::Forwarder;
use crate::snapshot::Snapshot;

/// A name that lets a policy choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Auto {
    /// The name.
    pub(crate) id: String,
    /// The policy.
    pub(crate) policy: String,
    /// Tokens that the largest of its models holds.
    pub(crate) context_window: Tokens,
    /// Its models.
    pub(crate) n_models: usize,
    /// The lowest price of each kind of token.
    pub(crate) lowest: Prices,
    /// The highest.
    pub(crate) highest: Prices,
}

/// One name for each policy that has a model to choose, the default one first.
pub(crate) fn autos(snapshot: &Snapshot, forwarder: &Forwarder) -> Vec<Auto> {
    let default = snapshot.policies.default_policy();
    let plain = auto(AUTO.to_owned(), default, snapshot, forwarder);
    let named =
        snapshot.policies.iter().map(|policy| auto(format!("{AUTO}:{}", policy.name()), policy, snapshot, forwarder));
    std::iter::once(plain).chain(named).flatten().collect()
}

fn auto(id: String, policy: &Policy, snapshot: &Snapshot, forwarder: &Forwarder) -> Option<Auto> {
    let served = forwarder.fleet.served();
    let may_serve = |model: &&Model| {
        served.is_none_or(|served| served.contains(&model.id))
            && within(model, &policy.rules().limits)
            && pinned(model, policy)
    };
    let models: Vec<&Model> = snapshot.catalog.models().iter().filter(may_serve).collect();
    let all = || models.iter().map(|model| model.prices);
    Some(Auto {
        id,
        policy: policy.name().to_string(),
        context_window: models.iter().map(|model| model.context_window).max()?,
        n_models: models.len(),
        lowest: all().reduce(|a, b| each(a, b, Ord::min))?,
        highest: all().reduce(|a, b| each(a, b, Ord::max))?,
    })
}

fn within(model: &Model, limits: &Limits) -> bool {
    let Limits { allow, deny, regions, zero_data_retention, max_cost: _ } = limits;
    allow.as_ref().is_none_or(|allow| allow.contains(&model.id))
        && !deny.contains(&model.id)
        && regions.as_ref().is_none_or(|regions| model.regions.iter().any(|region| regions.contains(region)))
        && (!zero_data_retention || model.zero_data_retention)
}

/// A pin chooses its model and, failing that, its fallbacks; of what may be asked for under it, only they answer.
fn pinned(model: &Model, policy: &Policy) -> bool {
    match &policy.rules().mode {
        decision::Mode::Pin { model: pin } => model.id == *pin || policy.rules().fallback.contains(&model.id),
        decision::Mode::Tolerance { .. }
        | decision::Mode::Target { .. }
        | decision::Mode::Value { .. }
        | decision::Mode::Budget { .. } => true,
    }
}

fn each(a: Prices, b: Prices, choose: fn(decision::Price, decision::Price) -> decision::Price) -> Prices {
    Prices {
        prompt: choose(a.prompt, b.prompt),
        cached_prompt: choose(a.cached_prompt, b.cached_prompt),
        completion: choose(a.completion, b.completion),
        reasoning: choose(a.reasoning, b.reasoning),
    }
}
