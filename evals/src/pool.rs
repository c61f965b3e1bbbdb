//! The prompts and models among which a router is judged: every model of a pool has answered every prompt of it, so that
//! whatever is chosen, what it cost and how good it was is known. Rows stream in; only numbers are kept of them.

use std::collections::{BTreeMap, BTreeSet};

use classifier::billed_tokens;
use training_data::OutcomeRow;

use crate::curve::Truth;
use crate::grid::{Grid, mean};

mod bill;

pub use bill::{AssumedTokens, PriceList, TokenPrices};

/// Rows a verdict may be made of: a hundred million, at thirty bytes each.
pub const MAX_ROWS: usize = 100_000_000;

/// A model belongs to a source's pool, where nobody names one, if it answered this share of the source's prompts.
pub const POOL_SHARE: f64 = 0.95;

/// The fewest prompts that are judged: below it an interval says nothing.
pub const MIN_PROMPTS: usize = 50;

/// A prompt as the judge knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedPrompt {
    /// `source/dataset/prompt_id`.
    pub id: String,
    /// The data set it comes from.
    pub dataset: String,
    /// Its near-duplicate key, or its id where the rows have none.
    pub group: String,
    /// Its tokens: the mean of what the rows say, else what its text is counted as, else an assumption.
    pub n_tokens: f64,
    /// Its text, where the rows have it.
    pub text: Option<training_data::row::Text>,
}

/// Prompts, models, and what really happened.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The source.
    pub name: String,
    /// The candidates, in the order somebody named them, else by name.
    pub models: Vec<String>,
    /// The prompts, by id.
    pub prompts: Vec<JudgedPrompt>,
    /// Quality and bill of every answer.
    pub truth: Truth,
    /// Completion tokens of every answer; NaN where the rows do not say.
    pub completion_tokens: Grid,
    /// What each model's tokens cost, where there is a price.
    pub prices: Vec<Option<TokenPrices>>,
    /// Bills that rest on an assumed length of the answer, since the rows say neither a cost nor a count.
    pub n_assumed_bills: usize,
}

impl Pool {
    /// The group of each prompt.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.prompts.iter().map(|prompt| prompt.group.as_str())
    }

    /// The prompts at these places.
    #[must_use]
    pub fn taken(&self, rows: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            models: self.models.clone(),
            prompts: rows.iter().map(|row| self.prompts[*row].clone()).collect(),
            truth: Truth { quality: self.truth.quality.taken(rows), bill_usd: self.truth.bill_usd.taken(rows) },
            completion_tokens: self.completion_tokens.taken(rows),
            prices: self.prices.clone(),
            n_assumed_bills: self.n_assumed_bills,
        }
    }

    /// The place of a model.
    pub fn model(&self, name: &str) -> Option<usize> {
        self.models.iter().position(|model| model == name)
    }

    /// The best single model in the mean, of equals the first.
    pub fn best_single(&self) -> usize {
        let means = self.truth.quality.column_means();
        (1..means.len()).fold(0, |best, model| if means[model] > means[best] { model } else { best })
    }
}

/// Why rows are no pool.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// More than [`MAX_ROWS`].
    #[error("expected at most {MAX_ROWS} rows")]
    TooManyRows,
    /// No source has a pool.
    #[error(
        "no source has at least two models that answered at least {MIN_PROMPTS} prompts in common; sources: {found}"
    )]
    Nothing {
        /// What each source had.
        found: String,
    },
    /// A pool that was asked for by name has no rows.
    #[error("pool `{pool}` names a source the outcomes do not have; they have {sources}")]
    NoSource {
        /// The pool.
        pool: String,
        /// What there is.
        sources: String,
    },
    /// A pool names a model that its source does not have.
    #[error("pool `{pool}` names the model `{model}`, which has no row there{hint}")]
    NoModel {
        /// The pool.
        pool: String,
        /// The model.
        model: String,
        /// The nearest name there is.
        hint: String,
    },
    /// A pool of one model leaves nothing to choose.
    #[error("pool `{pool}` has {found} model(s); expected at least 2")]
    OneModel {
        /// The pool.
        pool: String,
        /// How many models it has.
        found: usize,
    },
    /// A pool that names a model twice.
    #[error("pool `{pool}` names the model `{model}` twice")]
    Twice {
        /// The pool.
        pool: String,
        /// The model.
        model: String,
    },
    /// Too few prompts that every model answered.
    #[error("pool `{pool}`: expected at least {MIN_PROMPTS} prompts that all {models} models answered, found {found}")]
    TooFew {
        /// The pool.
        pool: String,
        /// How many models it has.
        models: usize,
        /// How many prompts all answered.
        found: usize,
    },
    /// A model's answers have neither a bill nor a price.
    #[error(
        "pool `{pool}`: model `{model}` has no price, and its answer to {prompt} has no cost; give its price with --prices"
    )]
    NoBill {
        /// The pool.
        pool: String,
        /// The model.
        model: String,
        /// The first prompt without a bill.
        prompt: String,
    },
}

/// One answer, in numbers.
#[derive(Clone, Copy)]
struct Answer {
    prompt: u32,
    model: u32,
    quality: f64,
    prompt_tokens: f64,
    completion_tokens: f64,
    cost_usd: f64,
}

/// What a row says of its prompt.
struct Facts {
    group: Option<training_data::row::Text>,
    text: Option<training_data::row::Text>,
    digest: Option<training_data::row::Text>,
}

#[derive(Default)]
struct Source {
    prompts: BTreeMap<(training_data::row::Text, training_data::row::Text), u32>,
    facts: Vec<Facts>,
    models: BTreeMap<training_data::row::Text, u32>,
    answers: Vec<Answer>,
}

/// Outcomes on their way to becoming pools.
#[derive(Default)]
pub struct Outcomes {
    sources: BTreeMap<String, Source>,
    n_rows: usize,
}

impl Outcomes {
    /// Takes one row in.
    pub fn add(&mut self, row: &OutcomeRow) -> Result<(), PoolError> {
        if self.n_rows >= MAX_ROWS {
            return Err(PoolError::TooManyRows);
        }
        self.n_rows += 1;
        let source = match self.sources.get_mut(&*row.source) {
            Some(source) => source,
            None => self.sources.entry(row.source.to_string()).or_default(),
        };
        let n_prompts = u32::try_from(source.prompts.len()).unwrap_or(u32::MAX);
        let prompt = *source.prompts.entry((row.dataset.clone(), row.prompt_id.clone())).or_insert(n_prompts);
        if prompt == n_prompts {
            let (group, text, digest) = (row.group.clone(), row.prompt.clone(), row.prompt_digest.clone());
            source.facts.push(Facts { group, text, digest });
        }
        let n_models = u32::try_from(source.models.len()).unwrap_or(u32::MAX);
        let model = *source.models.entry(row.model.clone()).or_insert(n_models);
        let tokens = |count: Option<u64>| count.map_or(f64::NAN, tokens);
        source.answers.push(Answer {
            prompt,
            model,
            quality: row.quality,
            prompt_tokens: tokens(row.prompt_tokens),
            completion_tokens: tokens(row.completion_tokens),
            cost_usd: row.cost_usd.unwrap_or(f64::NAN),
        });
        Ok(())
    }

    /// The sources that the rows are from.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// How many rows were taken in.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The pools of every source: those somebody named, else of all models that answered nearly every prompt; and what was
    /// passed over for want of prompts or models.
    pub fn pools(
        &self,
        named: Option<&BTreeMap<String, Vec<String>>>,
        prices: &PriceList,
        assumed: &AssumedTokens,
    ) -> Result<(Vec<Pool>, Vec<String>), PoolError> {
        if let Some(named) = named {
            return self.named_pools(named, prices, assumed);
        }
        let mut pools = Vec::new();
        let mut found = Vec::new();
        for (name, source) in &self.sources {
            let models = source.well_answered();
            let described = format!("{name} ({} models, {} prompts)", models.len(), source.prompts.len());
            match source.pool(name, models, prices, assumed) {
                Ok(pool) => pools.push(pool),
                Err(PoolError::OneModel { .. } | PoolError::TooFew { .. }) => found.push(described),
                Err(error) => return Err(error),
            }
        }
        if pools.is_empty() { Err(PoolError::Nothing { found: found.join(", ") }) } else { Ok((pools, found)) }
    }

    fn named_pools(
        &self,
        named: &BTreeMap<String, Vec<String>>,
        prices: &PriceList,
        assumed: &AssumedTokens,
    ) -> Result<(Vec<Pool>, Vec<String>), PoolError> {
        let (mut pools, mut passed_over, mut reason) = (Vec::new(), Vec::new(), None);
        for (name, models) in named {
            let Some(source) = self.sources.get(name) else {
                let sources = self.sources.keys().cloned().collect::<Vec<_>>().join(", ");
                let absent = PoolError::NoSource { pool: name.clone(), sources };
                passed_over.push(absent.to_string());
                reason = reason.or(Some(absent));
                continue;
            };
            match source.pool(name, models.clone(), prices, assumed) {
                Ok(pool) => pools.push(pool),
                Err(few @ PoolError::TooFew { .. }) => {
                    passed_over.push(few.to_string());
                    reason = reason.or(Some(few));
                }
                Err(error) => return Err(error),
            }
        }
        match reason {
            Some(reason) if pools.is_empty() => Err(reason),
            Some(_) | None => Ok((pools, passed_over)),
        }
    }
}

impl Source {
    /// The models that answered nearly every prompt, by name.
    fn well_answered(&self) -> Vec<String> {
        let answered: BTreeSet<(u32, u32)> = self.answers.iter().map(|answer| (answer.model, answer.prompt)).collect();
        let least = POOL_SHARE * crate::grid::number(self.prompts.len());
        let n_answered = |model: u32| answered.range((model, 0)..=(model, u32::MAX)).count();
        let well = self.models.iter().filter(|(_, model)| crate::grid::number(n_answered(**model)) >= least);
        well.map(|(name, _)| name.to_string()).collect()
    }

    fn pool(
        &self,
        name: &str,
        models: Vec<String>,
        prices: &PriceList,
        assumed: &AssumedTokens,
    ) -> Result<Pool, PoolError> {
        if models.len() < 2 {
            return Err(PoolError::OneModel { pool: name.to_owned(), found: models.len() });
        }
        let columns = self.columns(name, &models)?;
        let n_prompts = self.prompts.len();
        let mut quality = Grid::filled(n_prompts, models.len(), 0.0);
        let mut n_answers = Grid::filled(n_prompts, models.len(), 0.0);
        let mut completion_tokens = Grid::filled(n_prompts, models.len(), f64::NAN);
        let mut cost = completion_tokens.clone();
        let mut prompt_tokens = vec![(0.0, 0.0); n_prompts];
        for answer in &self.answers {
            let row = usize::try_from(answer.prompt).expect("an index fits");
            if answer.prompt_tokens.is_finite() {
                prompt_tokens[row].0 += answer.prompt_tokens;
                prompt_tokens[row].1 += 1.0;
            }
            let Some(column) = columns.get(&answer.model).copied() else { continue };
            // Of an answer that was given twice the mean quality counts, and the first one's tokens and bill.
            if n_answers.row(row)[column] < 0.5 {
                completion_tokens.row_mut(row)[column] = answer.completion_tokens;
                cost.row_mut(row)[column] = answer.cost_usd;
            }
            quality.row_mut(row)[column] += answer.quality;
            n_answers.row_mut(row)[column] += 1.0;
        }
        let mut complete: Vec<(String, usize, &str)> = Vec::new();
        for ((dataset, prompt_id), index) in &self.prompts {
            let row = usize::try_from(*index).expect("an index fits");
            if n_answers.row(row).iter().all(|n| *n > 0.5) {
                complete.push((format!("{name}/{dataset}/{prompt_id}"), row, dataset));
            }
        }
        if complete.len() < MIN_PROMPTS {
            let (pool, models, found) = (name.to_owned(), models.len(), complete.len());
            return Err(PoolError::TooFew { pool, models, found });
        }
        complete.sort_unstable();
        let rows: Vec<usize> = complete.iter().map(|(_, row, _)| *row).collect();
        let quality = Grid::from_rows(
            models.len(),
            rows.iter().map(|row| {
                let sums = quality.row(*row).iter().zip(n_answers.row(*row));
                sums.map(|(sum, n)| sum / n).collect()
            }),
        );
        let prompts = complete.into_iter().map(|(id, row, dataset)| {
            let facts = &self.facts[row];
            let (sum, n) = prompt_tokens[row];
            JudgedPrompt {
                dataset: dataset.to_owned(),
                group: group_of(facts, &id),
                n_tokens: if n > 0.0 {
                    sum / n
                } else {
                    facts.text.as_ref().map_or(assumed.prompt, |text| tokens(billed_tokens(text)))
                },
                text: facts.text.clone(),
                id,
            }
        });
        let prompts: Vec<JudgedPrompt> = prompts.collect();
        let completion_tokens = completion_tokens.taken(&rows);
        let bill = bill::Bill { pool: name, models: &models, prompts: &prompts, prices, assumed };
        let (bill_usd, n_assumed_bills) = bill.of(&completion_tokens, &cost.taken(&rows))?;
        let prices = models.iter().map(|model| prices.get(model)).collect();
        let truth = Truth { quality, bill_usd };
        Ok(Pool { name: name.to_owned(), models, prompts, truth, completion_tokens, prices, n_assumed_bills })
    }

    /// The column of each model, by its number among the rows.
    fn columns(&self, pool: &str, models: &[String]) -> Result<BTreeMap<u32, usize>, PoolError> {
        let mut columns = BTreeMap::new();
        for (column, model) in models.iter().enumerate() {
            let Some(number) = self.models.get(model.as_str()) else {
                let near = decision::nearest(model, self.models.keys().map(|known| &**known));
                let hint = near.map(|near| format!("; the nearest name there is `{near}`")).unwrap_or_default();
                return Err(PoolError::NoModel { pool: pool.to_owned(), model: model.clone(), hint });
            };
            if columns.insert(*number, column).is_some() {
                return Err(PoolError::Twice { pool: pool.to_owned(), model: model.clone() });
            }
        }
        Ok(columns)
    }
}

/// What counts once: the group, where rows have one; else prompts of the same text are one, or of the same digest where rows have no
/// text; a prompt without either is one by itself.
fn group_of(facts: &Facts, id: &str) -> String {
    match (&facts.group, &facts.text, &facts.digest) {
        (Some(group), _, _) => group.to_string(),
        (None, Some(text), _) => training_data::split::text_name(text),
        (None, None, Some(digest)) => format!("digest {digest}"),
        (None, None, None) => id.to_owned(),
    }
}

/// The mean of what is there; NaN where nothing is.
pub(crate) fn known_mean(values: impl Iterator<Item = f64>) -> f64 {
    mean(values.filter(|value| !value.is_nan()))
}

#[expect(clippy::cast_precision_loss, reason = "no answer has 2^53 tokens")]
fn tokens(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
