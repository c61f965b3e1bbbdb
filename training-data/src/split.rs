//! Which part a row belongs to: a salted hash of its group, so that a prompt keeps its part when rows come and go, and
//! near-duplicates stay on one side. There are two doors: `learning_rows`, which never opens on a held-out row, and
//! `held_out_rows`, which the trainer's lints forbid it to open.

use std::collections::HashMap;

use crate::dedup;
use crate::fingerprint::{fingerprint, of_texts};
use crate::row::{OutcomeRow, RowError, Text};

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// For one of the three uses of the trainer.
    Learning(LearningPart),
    /// For judging, and nothing else.
    HeldOut,
}

/// What a row is for in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearningPart {
    /// To fit weights on.
    Fit,
    /// To calibrate forecasts on.
    Calibrate,
    /// To tune thresholds on.
    Tune,
}

/// How large each part is. The shares are of groups, and so only nearly of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The share to fit on.
    pub fit: f64,
    /// The share to calibrate on.
    pub calibrate: f64,
    /// The share to tune on.
    pub tune: f64,
    /// The share to judge on.
    pub held_out: f64,
}

impl Default for Shares {
    /// A convention; nothing rests on it but that each part of the shared outcomes has thousands of prompts.
    fn default() -> Self {
        Self { fit: 0.6, calibrate: 0.1, tune: 0.1, held_out: 0.2 }
    }
}

/// Prompts that are watched for being torn; 4 million cost about 80 MiB, and those beyond are not.
const MAX_WATCHED: usize = 4 << 20;

/// A way to split rows into parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    salt: u64,
    shares: Shares,
}

/// Why rows cannot be split or learned from.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The shares are no shares.
    #[error("expected shares of 0 or more that sum to 1, found {fit} + {calibrate} + {tune} + {held_out}",
        fit = .0.fit, calibrate = .0.calibrate, tune = .0.tune, held_out = .0.held_out)]
    Shares(Shares),
    /// A row cannot be read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Some rows of a prompt have a group, and some have none: they would fall into different parts.
    #[error(
        "source \"{origin}\", prompt \"{prompt_id}\": expected a group on all of its rows or on none, found both; `pointsman import outcomes .. --regroup` makes them one"
    )]
    HalfGrouped {
        /// The row's source.
        origin: Text,
        /// The row's prompt.
        prompt_id: Text,
    },
    /// A row that its owners forbid to learn from.
    #[error("source \"{origin}\", prompt \"{prompt_id}\": expected rows to learn from, found one for judging only")]
    JudgingOnly {
        /// The row's source.
        origin: Text,
        /// The row's prompt.
        prompt_id: Text,
    },
}

impl Split {
    /// A split. Equal salts give equal splits; another salt gives an independent one.
    ///
    /// # Errors
    /// The shares are negative or do not sum to 1.
    pub fn new(salt: &str, shares: Shares) -> Result<Self, SplitError> {
        /// What a sum of four decimal fractions may be off by.
        const ROUNDING: f64 = 1e-9;
        let all = [shares.fit, shares.calibrate, shares.tune, shares.held_out];
        let sound = all.iter().all(|share| share.is_finite() && *share >= 0.0)
            && (all.iter().sum::<f64>() - 1.0).abs() <= ROUNDING;
        if sound { Ok(Self { salt: fingerprint(0, salt.as_bytes()), shares }) } else { Err(SplitError::Shares(shares)) }
    }

    /// The part that a row belongs to.
    #[must_use]
    pub fn part(&self, row: &OutcomeRow) -> Part {
        let draw = unit(fingerprint(self.salt, &group_key(row).to_le_bytes()));
        let Shares { fit, calibrate, tune, held_out } = self.shares;
        // Held-out rows lie at the upper end, so that moving rows between the learning parts never touches them.
        if draw >= 1.0 - held_out {
            Part::HeldOut
        } else if draw < fit {
            Part::Learning(LearningPart::Fit)
        } else if draw < fit + calibrate || tune <= 0.0 {
            Part::Learning(LearningPart::Calibrate)
        } else {
            Part::Learning(LearningPart::Tune)
        }
    }

    /// The rows that may be learned from, each with what it is for. Held-out rows are passed over; a row for judging
    /// only is an error, since training on the rest in silence would hide a mistake.
    pub fn learning_rows(
        &self,
        rows: impl Iterator<Item = Result<OutcomeRow, RowError>>,
    ) -> impl Iterator<Item = Result<(LearningPart, OutcomeRow), SplitError>> {
        whole(rows).filter_map(|row| match row {
            Err(error) => Some(Err(error)),
            Ok(row) if row.judging_only => {
                Some(Err(SplitError::JudgingOnly { origin: row.source, prompt_id: row.prompt_id }))
            }
            Ok(row) => match self.part(&row) {
                Part::Learning(part) => Some(Ok((part, row))),
                Part::HeldOut => None,
            },
        })
    }

    /// The rows to judge on: the held-out ones, and all those for judging only. The trainer must not call this.
    pub fn held_out_rows(
        &self,
        rows: impl Iterator<Item = Result<OutcomeRow, RowError>>,
    ) -> impl Iterator<Item = Result<OutcomeRow, SplitError>> {
        whole(rows).filter(|row| row.as_ref().map_or(true, |row| row.judging_only || self.part(row) == Part::HeldOut))
    }
}

/// The rows, but for those of prompts that would be torn.
fn whole(
    rows: impl Iterator<Item = Result<OutcomeRow, RowError>>,
) -> impl Iterator<Item = Result<OutcomeRow, SplitError>> {
    let mut grouped: HashMap<u64, bool> = HashMap::new();
    rows.map(move |row| {
        let row = row?;
        let prompt = of_texts(0, &[&row.source, &row.dataset, &row.prompt_id]);
        let is_full = grouped.len() >= MAX_WATCHED;
        let has = row.group.is_some();
        let before = if is_full { grouped.get(&prompt).copied() } else { Some(*grouped.entry(prompt).or_insert(has)) };
        if before.is_some_and(|before| before != has) {
            return Err(SplitError::HalfGrouped { origin: row.source, prompt_id: row.prompt_id });
        }
        Ok(row)
    })
}

/// What must stay together: the group; without one, what grouping would name the prompt after; without those, its digest or its id.
pub fn group_key(row: &OutcomeRow) -> u64 {
    match (&row.group, &row.prompt, &row.prompt_digest) {
        (Some(group), _, _) => of_texts(1, &[group]),
        (None, Some(prompt), _) => of_texts(1, &[&text_name(prompt)]),
        (None, None, Some(digest)) => of_texts(2, &[digest]),
        (None, None, None) => of_texts(3, &[&row.source, &row.dataset, &row.prompt_id]),
    }
}

/// What prompts of the same text have in common, where no group says more: the group that they would get by themselves.
pub fn text_name(prompt: &str) -> String {
    dedup::group_name(dedup::name_of(prompt, &dedup::words(prompt)))
}

/// A hash as a number in [0, 1).
fn unit(hash: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit a double exactly")]
    let upper = (hash >> 11) as f64;
    upper / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests;
