//! What is asked of `pointsman tune`, in words, and checked before a file is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use decision::{Basis, Loss, OnAlarm, Policy, PolicyName, Rules, WhenSpent};
use evals::pool::Pool;
use router_service::RESERVED_POLICIES;
use trainer::bounds::Bound;
use trainer::tune::{Against, Ask, Knob, SHRINKAGES, SliceOf, Weights};

use super::rows::Rows;
use crate::CalledWrongly;
use crate::eval::inputs::Inputs;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeWord {
    /// The cheapest model within a tolerance of the best.
    Tolerance,
    /// The cheapest model that reaches a floor.
    Target,
    /// The most quality for what a success is worth.
    Value,
    /// The most quality for a mean cost.
    Budget,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LossWord {
    /// The reference's quality less the policy's.
    Difference,
    /// That as a share of the reference's quality.
    Relative,
    /// The share of prompts answered worse than by the reference.
    Worse,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BasisWord {
    /// What is expected.
    Expected,
    /// The lower confidence bound.
    LowerBound,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BoundWord {
    /// Bets that know when the rows end.
    Betting,
    /// Bets of Waudby-Smith and Ramdas.
    WaudbySmithRamdas,
    /// Hoeffding's and Bentkus's inequalities.
    HoeffdingBentkus,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnAlarmWord {
    /// Say so.
    Warn,
    /// Say so, and let the reference serve.
    Reference,
}

/// What a share in a promise must keep from nothing and from all: nearer no number of rows could tell it from them.
const LEAST_SHARE: f64 = 1e-6;

/// The promise that is asked for.
#[derive(Args)]
pub(super) struct Asked {
    /// The most that may be lost, above 0 and below 1; without it `--prove` tries 0.005, 0.01, 0.02 and 0.05.
    #[arg(long, value_name = "LOSS", required_unless_present = "prove")]
    loss_at_most: Option<f64>,

    /// How sure that must be, above 0 and below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    pub(super) confidence: f64,

    /// How a loss is counted.
    #[arg(long, value_enum, default_value = "difference")]
    loss: LossWord,

    /// Against whom: `best-single`, `best-forecast`, or the name of a model.
    #[arg(long, value_name = "REFERENCE", default_value = "best-single")]
    pub(super) against: String,

    /// Which mode's parameter is tuned; the base policy's, or tolerance.
    #[arg(long, value_enum)]
    mode: Option<ModeWord>,

    /// Policies that hold the base policy: its limits, fallback order and all else but the parameter are kept.
    #[arg(long, value_name = "FILE")]
    pub(super) policies: Option<PathBuf>,

    /// The base policy; without it the file's default.
    #[arg(long, value_name = "NAME", requires = "policies")]
    policy: Option<String>,

    /// The name of the tuned policy.
    #[arg(long, value_name = "NAME", default_value = "tuned")]
    pub(super) name: String,

    /// What the policy judges quality by; the base policy's, or expected.
    #[arg(long, value_enum)]
    judge_by: Option<BasisWord>,

    /// Shrinkages towards the reference to try, from 0 to 1; each costs confidence. Without it: 0.02, 0.05 and 0.1.
    #[arg(long, value_name = "SHRINKAGE", value_delimiter = ',')]
    shrinkage: Vec<f64>,

    /// The promise holds in every slice by this column of the rows.
    #[arg(long, value_name = "COLUMN")]
    pub(super) by: Option<String>,

    /// Instead: the promise holds in the mean of the slices in these proportions, as SLICE=WEIGHT.
    #[arg(long, value_name = "SLICE=WEIGHT", value_delimiter = ',', requires = "by")]
    weights: Vec<String>,

    /// How losses are bounded.
    #[arg(long, value_enum, default_value = "betting")]
    bound: BoundWord,

    /// The loss was chosen from the curve over these very rows; pay for that.
    #[arg(long)]
    looked: bool,

    /// What the service does when it finds the promise broken.
    #[arg(long, value_enum, default_value = "warn")]
    on_alarm: OnAlarmWord,
}

impl Asked {
    /// What needs no file to be seen to be wrong.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let shares = [("--loss-at-most", self.loss_at_most), ("--confidence", Some(self.confidence))];
        for (what, found) in shares {
            if let Some(found) = found.filter(|found| !(*found > 0.0 && *found < 1.0)) {
                bail!(CalledWrongly(format!("{what}: expected a number above 0 and below 1, found {found}")));
            }
            if let Some(found) = found.filter(|found| !(LEAST_SHARE..=1.0 - LEAST_SHARE).contains(found)) {
                let told = format!("{what}: expected a number at least {LEAST_SHARE} away from 0 and 1, found {found}");
                bail!(CalledWrongly(told));
            }
        }
        if let Some(found) = self.shrinkage.iter().find(|shrinkage| !(0.0..=1.0).contains(*shrinkage)) {
            bail!(CalledWrongly(format!("--shrinkage: expected a number from 0 to 1, found {found}")));
        }
        PolicyName::new(&self.name).map_err(|error| CalledWrongly(format!("--name: {error}")))?;
        if RESERVED_POLICIES.contains(&self.name.as_str()) {
            let why = "which means policies made by requests";
            bail!(CalledWrongly(format!("--name: expected another name, found `{}`, {why}", self.name)));
        }
        self.weights().map(|_| ())
    }

    /// The losses that `--prove` tries.
    pub(super) fn losses(&self) -> Vec<f64> {
        self.loss_at_most.map_or_else(|| vec![0.005, 0.01, 0.02, 0.05], |loss| vec![loss])
    }

    /// The policy that the rest is taken from.
    pub(super) fn base(&self, inputs: &mut Inputs) -> anyhow::Result<Policy> {
        let word = self.mode.unwrap_or(ModeWord::Tolerance);
        let Some(file) = &self.policies else {
            let plain = Ask::of(word.knob(WhenSpent::Cheapest), 0.02, 0.95).rules;
            return Ok(Policy::new(PolicyName::new(&self.name)?, self.judged(plain))?);
        };
        let base = inputs.policy(Some(file), self.policy.as_deref())?;
        let rules = self.judged(base.rules().clone());
        if rules.exploration.is_some() {
            bail!(
                "{}: policy `{}` explores, and detours are not what is promised; remove `explore`",
                file.display(),
                base.name()
            );
        }
        let Some(own) = Knob::of(&rules.mode) else {
            bail!("{}: policy `{}` pins a model and has no parameter to tune", file.display(), base.name());
        };
        let knob = self.mode.map_or(own, |mode| mode.knob(when_spent(own)));
        Ok(Policy::new(PolicyName::new(&self.name)?, Rules { mode: Ask::of(knob, 0.02, 0.95).rules.mode, ..rules })?)
    }

    fn judged(&self, rules: Rules) -> Rules {
        match self.judge_by {
            None => rules,
            Some(BasisWord::Expected) => Rules { basis: Basis::Expected, ..rules },
            Some(BasisWord::LowerBound) => Rules { basis: Basis::LowerBound, ..rules },
        }
    }

    /// The ask on these rows.
    pub(super) fn ask(&self, base: &Policy, rows: Option<&Rows>, pool: &Pool, seed: u32) -> anyhow::Result<Ask> {
        let knob = Knob::of(&base.rules().mode).expect("`base` refuses a pin");
        let slices = match (&self.by, rows) {
            (None, _) | (_, None) => SliceOf::Nothing,
            (Some(column), Some(rows)) => {
                let names = rows.slices(pool, column)?;
                match self.weights()? {
                    Some(weights) => SliceOf::Weighed(names, weights),
                    None => SliceOf::Each(names),
                }
            }
        };
        Ok(Ask {
            rules: base.rules().clone(),
            loss: match self.loss {
                LossWord::Difference => Loss::Difference,
                LossWord::Relative => Loss::Relative,
                LossWord::Worse => Loss::Worse,
            },
            against: match self.against.as_str() {
                "best-single" => Against::BestSingle,
                "best-forecast" => Against::BestForecast,
                model => Against::Model(model.to_owned()),
            },
            shrinkages: if self.shrinkage.is_empty() { SHRINKAGES.to_vec() } else { self.shrinkage.clone() },
            slices,
            bound: match self.bound {
                BoundWord::Betting => Bound::Betting,
                BoundWord::WaudbySmithRamdas => Bound::WaudbySmithRamdas,
                BoundWord::HoeffdingBentkus => Bound::HoeffdingBentkus,
            },
            looked: self.looked,
            seed,
            ..Ask::of(knob, self.loss_at_most.unwrap_or(0.02), self.confidence)
        })
    }

    pub(super) fn on_alarm(&self) -> OnAlarm {
        match self.on_alarm {
            OnAlarmWord::Warn => OnAlarm::Warn,
            OnAlarmWord::Reference => OnAlarm::Reference,
        }
    }

    pub(super) fn weights(&self) -> anyhow::Result<Option<Weights>> {
        if self.weights.is_empty() {
            return Ok(None);
        }
        let mut weights = BTreeMap::new();
        for one in &self.weights {
            let wrong = || CalledWrongly(format!("--weights: expected SLICE=WEIGHT, found `{one}`"));
            let (slice, weight) = one.rsplit_once('=').ok_or_else(wrong)?;
            if weights.insert(slice.to_owned(), weight.parse().map_err(|_| wrong())?).is_some() {
                bail!(CalledWrongly(format!("--weights: `{slice}` is given twice")));
            }
        }
        let weights = Weights::new(weights).map_err(|error| CalledWrongly(format!("--weights: {error}")))?;
        Ok(Some(weights))
    }
}

impl ModeWord {
    fn knob(self, when_spent: WhenSpent) -> Knob {
        match self {
            Self::Tolerance => Knob::Tolerance,
            Self::Target => Knob::Target,
            Self::Value => Knob::Value,
            Self::Budget => Knob::Budget(when_spent),
        }
    }
}

fn when_spent(knob: Knob) -> WhenSpent {
    match knob {
        Knob::Budget(when_spent) => when_spent,
        Knob::Tolerance | Knob::Target | Knob::Value => WhenSpent::Cheapest,
    }
}
