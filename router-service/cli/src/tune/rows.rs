//! The rows that are tuned on: outcomes, their forecasts, their prices, and the slices they fall into.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use classifier::built_in_catalog;
use decision::{Catalog, Policy, Rules};
use evals::forecasts::{Forecasts, Matched};
use evals::pool::{Pool, PriceList, TokenPrices};
use trainer::tune::Bench;
use training_data::OutcomeRow;

use super::admitted::Admitted;
use super::forecast::Oracle;
use super::{Arguments, only};
use crate::eval::inputs::{Inputs, Wanted};
use crate::eval::{assumed, assumed_for};
use crate::kept::{split, tunes_with};

/// The columns that slices can be taken by: those that a prompt has, whoever answers it.
const COLUMNS: [&str; 5] = ["source", "dataset", "group", "judge", "policy"];

/// What has been read.
pub(super) struct Rows {
    pub(super) pools: Vec<Pool>,
    /// What was passed over.
    pub(super) notes: Vec<String>,
    /// The version of the catalog, where prices came from one.
    pub(super) catalog: Option<String>,
    /// A digest over the outcome files.
    pub(super) outcomes: String,
    made: Option<Forecasts>,
    /// The digest of the artifact that made them, where one did.
    made_by: Option<String>,
    oracle: Option<Oracle>,
    /// The slice of each prompt by its id.
    slices: BTreeMap<String, String>,
    /// The rules whose limits are kept.
    base: Rules,
}

/// The artifact that forecasts of a file name, where all name one. A promise is about the artifact that serves, so forecasts of
/// another one than is given are refused, and so are such as name none: those of training come from views that had seen less,
/// with a calibration that had seen all, and no promise holds of them.
fn made_by(made: &Forecasts, oracle: Option<&Oracle>) -> anyhow::Result<Option<String>> {
    let digests: Vec<&String> = made.artifacts().iter().collect();
    let given = oracle.map(|oracle| oracle.artifact().digest());
    if let (Some(given), Some(other)) = (given, digests.iter().find(|digest| Some(digest.as_str()) != given)) {
        bail!("--forecasts: expected forecasts by the artifact of --artifact, {given}, found some by {other}");
    }
    if given.is_some() && made.n_unsigned > 0 {
        let n = made.n_unsigned;
        bail!("--forecasts: expected forecasts that name the artifact of --artifact, found {n} lines that name none");
    }
    match digests.as_slice() {
        [one, another, ..] => {
            bail!("--forecasts: expected forecasts by one artifact, found some by {one} and by {another}")
        }
        [one] if made.n_unsigned == 0 => Ok(Some((*one).clone())),
        [_] | [] => Ok(None),
    }
}

/// The forecasts of a pool.
pub(super) struct Known {
    pub(super) matched: Matched,
    /// The digest of the artifact that made them, where it is known.
    pub(super) artifact: Option<String>,
}

impl Known {
    /// With the prompts of the pool that they are of.
    pub(super) fn bench<'a>(&'a self, pool: &'a Pool) -> Bench<'a> {
        let Matched { forecast, quality_low, barred, .. } = &self.matched;
        Bench { pool, forecast, quality_low, barred }
    }
}

impl Rows {
    pub(super) fn read(arguments: &Arguments, inputs: &mut Inputs, base: &Policy) -> anyhow::Result<Self> {
        let by = arguments.asked.by.as_deref();
        if let Some(column) = by.filter(|column| !COLUMNS.contains(column)) {
            let complaint = decision::document::unknown("column", column, COLUMNS);
            bail!(crate::CalledWrongly(format!("--by: {complaint}")));
        }
        let (prices, catalog) = prices(arguments, inputs)?;
        let named = inputs.named_pools(arguments.pools.as_deref())?;
        let assumed = assumed(&arguments.assume_completion)?;
        let made = inputs.forecasts("forecasts", arguments.forecasts.as_deref())?;
        let oracle = match (&arguments.artifact, &made) {
            (None, Some(_)) => None,
            (folder, _) => {
                let oracle = Oracle::read(folder.as_deref())?;
                Some(match &catalog {
                    Some(catalog) => oracle.with(catalog.clone()),
                    None => oracle,
                })
            }
        };
        if base.rules().limits.max_cost.is_some() && made.is_some() {
            bail!(
                "--policies: `max_cost_usd` hangs on the length of answers, which --forecasts do not tell; give --artifact instead"
            );
        }
        let made_by = made.as_ref().map(|made| made_by(made, oracle.as_ref())).transpose()?.flatten();
        let tuning = arguments.tuning_part.as_deref().map(|value| split("--tuning-part", value)).transpose()?;
        if let (Some(oracle), Some(split)) = (&oracle, &tuning) {
            tunes_with(oracle.artifact(), split)?;
        }
        let wanted = Wanted { ids: None, held_out: None, tuning: tuning.as_ref(), skip_bad: arguments.skip_bad };
        let mut slices = BTreeMap::new();
        let (outcomes, n_skipped) = inputs.outcomes_seen(&arguments.outcomes, &wanted, &mut |row| {
            if row.judging_only {
                bail!(
                    "source `{}`, prompt `{}`: expected rows to tune on, found one for judging only",
                    row.source,
                    row.prompt_id
                );
            }
            if let Some(column) = by {
                enter(&mut slices, row, column)?;
            }
            Ok(())
        })?;
        assumed_for(&arguments.assume_completion, &outcomes)?;
        let (mut pools, mut notes) = outcomes.pools(named.as_ref(), &prices, &assumed)?;
        let admitted = Admitted::among(&pools, base, catalog.as_ref())?;
        if let Some(note) = admitted.note() {
            admitted.check_reference(&arguments.asked.against)?;
            let (among, passed_over) =
                outcomes.pools(Some(&admitted.pools), &prices, &assumed).with_context(|| note.clone())?;
            pools = among;
            notes.extend(passed_over.into_iter().chain([note]));
        }
        notes.append(&mut inputs.notes);
        if tuning.is_none() {
            let note = "whether the artifact has learned from these rows is not known; a promise on what it has seen is worth nothing";
            notes.push(format!("{note} (--tuning-part ARTIFACT takes only what it kept)"));
        }
        if n_skipped > 0 {
            notes.push(format!("{n_skipped} bad rows passed over"));
        }
        let digests = inputs.sources.iter().filter(|source| source.role == "outcomes").map(|source| &*source.sha256);
        let outcomes = super::record::digest_of(digests);
        let catalog = catalog.as_ref().map(Catalog::version);
        Ok(Self { pools, notes, catalog, outcomes, made, made_by, oracle, slices, base: base.rules().clone() })
    }

    pub(super) fn one_pool(&self, source: Option<&str>) -> anyhow::Result<&Pool> {
        only(&self.pools, source)
    }

    /// The forecasts of a pool: those of the file, else made anew.
    pub(super) fn forecasts(&self, pool: &Pool) -> anyhow::Result<Known> {
        let told = self.oracle.as_ref().map(|oracle| oracle.artifact().digest().to_owned());
        let artifact = told.or_else(|| self.made_by.clone());
        let matched = match (&self.made, &self.oracle) {
            (Some(made), _) => made.of(pool)?,
            (None, Some(oracle)) => oracle.forecasts(pool, &self.base)?,
            (None, None) => bail!("expected forecasts or an artifact"),
        };
        Ok(Known { matched, artifact })
    }

    /// The slice of each prompt of a pool.
    pub(super) fn slices(&self, pool: &Pool, column: &str) -> anyhow::Result<Vec<String>> {
        let of = |id: &String| self.slices.get(id).cloned().with_context(|| format!("prompt `{id}` has no `{column}`"));
        pool.prompts.iter().map(|prompt| of(&prompt.id)).collect()
    }
}

/// Remembers the slice of a row's prompt. Rows of one prompt must agree, or the order of the rows would decide.
fn enter(slices: &mut BTreeMap<String, String>, row: &OutcomeRow, column: &str) -> anyhow::Result<()> {
    let (id, slice) = (format!("{}/{}/{}", row.source, row.dataset, row.prompt_id), cell(row, column));
    match slices.get(&id) {
        Some(known) if *known != slice => {
            bail!("--by {column}: expected one for each prompt, found `{known}` and `{slice}` for `{id}`")
        }
        Some(_) => {}
        None => {
            slices.insert(id, slice);
        }
    }
    Ok(())
}

fn cell(row: &OutcomeRow, column: &str) -> String {
    let text = match column {
        "source" => Some(&row.source),
        "dataset" => Some(&row.dataset),
        "group" => row.group.as_ref(),
        "judge" => row.judge.as_ref(),
        _ => row.logged.as_ref().and_then(|logged| logged.policy.as_ref()),
    };
    text.map_or_else(|| format!("(no {column})"), ToString::to_string)
}

/// The price list, and the catalog it comes from where it comes from one.
fn prices(arguments: &Arguments, inputs: &mut Inputs) -> anyhow::Result<(PriceList, Option<Catalog>)> {
    let catalog = match arguments.prices.as_deref() {
        None => built_in_catalog(),
        Some(file) if file.extension().is_some_and(|extension| extension == "toml") => {
            let text = inputs.text("prices", file)?;
            Catalog::from_toml(&text).with_context(|| file.display().to_string())?
        }
        Some(file) => return Ok((inputs.prices(Some(file))?, None)),
    };
    let prices = catalog.models().iter().map(|model| {
        let prices =
            TokenPrices { prompt: model.prices.prompt.usd_per_1m(), completion: model.prices.completion.usd_per_1m() };
        (model.id.to_string(), prices)
    });
    Ok((prices.collect(), Some(catalog)))
}
