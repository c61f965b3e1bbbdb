//! The files behind a report: each is read once and leaves its name and digest in the provenance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use decision::{Catalog, Mode, Model, Policies, Policy, PolicyName, Quality, Rules};
use evals::forecasts::Forecasts;
use evals::pool::{Outcomes, PriceList, TokenPrices};
use evals::report::Source;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use sha2::{Digest, Sha256};
use training_data::jsonl::broken;
use training_data::split::{LearningPart, Split, SplitError};
use training_data::{OutcomeRow, prices, rows};

use crate::CalledWrongly;
use crate::progress::Progress;

/// What has been read so far.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) sources: Vec<Source>,
    /// What a reader of the report should know of them.
    pub(crate) notes: Vec<String>,
}

/// Which of the outcome rows are wanted.
pub(crate) struct Wanted<'a> {
    /// Only these prompts.
    pub(crate) ids: Option<BTreeSet<String>>,
    /// Only the held-out part of this split.
    pub(crate) held_out: Option<&'a Split>,
    /// Only the part of this split that is kept for tuning.
    pub(crate) tuning: Option<&'a Split>,
    /// Pass over bad rows.
    pub(crate) skip_bad: bool,
}

impl Wanted<'_> {
    /// Which rows these are, to end a sentence with.
    fn scope(&self) -> &'static str {
        match (&self.ids, self.held_out, self.tuning) {
            (Some(_), _, _) => " for the prompts of the --ids file",
            (None, Some(_), _) => " in the part that --held-out stands for",
            (None, None, Some(_)) => " in the part that --tuning-part stands for",
            (None, None, None) => "",
        }
    }
}

impl Inputs {
    /// The named policy, or the cheapest model within two hundredths of the best.
    pub(crate) fn policy(&mut self, file: Option<&Path>, name: Option<&str>) -> anyhow::Result<Policy> {
        let Some(file) = file else {
            let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02)? };
            return Ok(Policy::new(PolicyName::new("tolerance-0_02")?, Rules::of(mode))?);
        };
        let policies = Policies::from_toml(&self.text("policy", file)?).with_context(|| file.display().to_string())?;
        let Some(name) = name else { return Ok(policies.default_policy().clone()) };
        let known: Vec<&str> = policies.iter().map(|policy| policy.name().as_str()).collect();
        let complaint = || decision::document::unknown("policy", name, known.clone());
        let policy = policies.get(name).ok_or_else(|| CalledWrongly(format!("{}: {}", file.display(), complaint())))?;
        Ok(policy.clone())
    }

    pub(crate) fn prices(&mut self, file: Option<&Path>) -> anyhow::Result<PriceList> {
        let Some(file) = file else { return Ok(price_list(&classifier::built_in_catalog())) };
        self.note("prices", file)?;
        let priced = prices::read(file)?.into_iter().filter_map(|row| {
            let prices = TokenPrices { prompt: row.prompt_usd_per_1m?, completion: row.completion_usd_per_1m? };
            Some((row.model, prices))
        });
        Ok(priced.collect())
    }

    pub(crate) fn named_pools(&mut self, file: Option<&Path>) -> anyhow::Result<Option<BTreeMap<String, Vec<String>>>> {
        let Some(file) = file else { return Ok(None) };
        let text = self.text("pools", file)?;
        named_pools(&text, file).map(Some)
    }

    pub(crate) fn forecasts(&mut self, role: &'static str, file: Option<&Path>) -> anyhow::Result<Option<Forecasts>> {
        let Some(file) = file else { return Ok(None) };
        self.note(role, file)?;
        let open = File::open(file).with_context(|| file.display().to_string())?;
        let forecasts = Forecasts::read(BufReader::with_capacity(1 << 18, open), &file.display().to_string())?;
        if forecasts.is_empty() {
            bail!("{}: expected forecasts, found none", file.display());
        }
        Ok(Some(forecasts))
    }

    pub(crate) fn ids(&mut self, file: Option<&Path>) -> anyhow::Result<Option<BTreeSet<String>>> {
        let Some(file) = file else { return Ok(None) };
        let text = self.text("ids", file)?;
        let ids: BTreeSet<String> =
            text.lines().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        if ids.is_empty() {
            bail!("{}: expected ids of prompts, one a line, found none", file.display());
        }
        Ok(Some(ids))
    }

    /// The wanted rows, and how many bad ones were passed over. What is not wanted is left out before anything is computed: a
    /// model's usual answer must not be learned from rows outside.
    pub(crate) fn outcomes(&mut self, paths: &[PathBuf], wanted: &Wanted<'_>) -> anyhow::Result<(Outcomes, u64)> {
        self.outcomes_seen(paths, wanted, &mut |_| Ok(()))
    }

    /// The same; `see` is shown every wanted row.
    pub(crate) fn outcomes_seen(
        &mut self,
        paths: &[PathBuf],
        wanted: &Wanted<'_>,
        see: &mut dyn FnMut(&OutcomeRow) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Outcomes, u64)> {
        for file in rows::outcome_files(paths)? {
            self.note("outcomes", &file)?;
        }
        let mut rows = rows::read(paths, wanted.skip_bad)?;
        let mut outcomes = Outcomes::default();
        let progress = Progress::open_ended("reading", "rows");
        let mut taken: Box<dyn Iterator<Item = Result<OutcomeRow, SplitError>>> =
            match wanted.held_out.or(wanted.tuning) {
                Some(split) if wanted.tuning.is_some() => {
                    Box::new(split.learning_rows(rows.by_ref()).filter_map(|row| match row {
                        Ok((LearningPart::Tune, row)) => Some(Ok(row)),
                        Ok((LearningPart::Fit | LearningPart::Calibrate, _)) => None,
                        Err(error) => Some(Err(error)),
                    }))
                }
                Some(split) => Box::new(split.held_out_rows(rows.by_ref())),
                None => Box::new(rows.by_ref().map(|row| row.map_err(SplitError::from))),
            };
        let mut absent = wanted.ids.clone().unwrap_or_default();
        for row in taken.by_ref() {
            let row = row?;
            let id = || format!("{}/{}/{}", row.source, row.dataset, row.prompt_id);
            if wanted.ids.as_ref().is_none_or(|ids| ids.contains(&id())) {
                if !absent.is_empty() {
                    absent.remove(&id());
                }
                outcomes.add(&row)?;
                see(&row)?;
            }
            if outcomes.n_rows().is_multiple_of(10_000) {
                progress.at(outcomes.n_rows());
            }
        }
        drop(taken);
        progress.end();
        let (n_unjudged, n_strays) = (rows.n_unjudged(), rows.n_stray_verdicts());
        if outcomes.n_rows() == 0 && n_unjudged > 0 {
            bail!("expected outcome rows to judge, found {n_unjudged} logged decisions, none with a reported quality");
        }
        if outcomes.n_rows() == 0 {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            bail!("{}: expected outcome rows to judge, found none{}", paths.join(", "), wanted.scope());
        }
        if let (Some(first), Some(ids)) = (absent.first(), &wanted.ids) {
            let (n_absent, n_ids) = (absent.len(), ids.len());
            self.notes.push(format!("{n_absent} of the {n_ids} prompts of the --ids file have no row, as `{first}`"));
        }
        if n_unjudged > 0 {
            self.notes.push(format!("{n_unjudged} logged decisions have no reported quality and were passed over"));
        }
        if n_strays > 0 {
            self.notes
                .push(format!("{n_strays} reported outcomes belong to decisions that are in none of these files"));
        }
        Ok((outcomes, rows.drops().n_rows()))
    }

    /// A whole file as text, without the mark that some editors put in front.
    pub(crate) fn text(&mut self, role: &'static str, file: &Path) -> anyhow::Result<String> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        self.sources.push(named(role, file, &Sha256::digest(&bytes)));
        let text = String::from_utf8(bytes)
            .map_err(|_| anyhow::anyhow!("{}: expected text, found other bytes", file.display()))?;
        Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
    }

    /// The digest of a file that is too large to hold.
    fn note(&mut self, role: &'static str, file: &Path) -> anyhow::Result<()> {
        let mut open = File::open(file).with_context(|| file.display().to_string())?;
        let (mut digest, mut bytes) = (Sha256::new(), vec![0; 1 << 18]);
        loop {
            let n = open.read(&mut bytes).with_context(|| file.display().to_string())?;
            if n == 0 {
                break;
            }
            digest.update(&bytes[..n]);
        }
        self.sources.push(named(role, file, &digest.finalize()));
        Ok(())
    }
}

/// Only the name of a file: a report that is passed on must not tell the folders of whoever made it.
fn named(role: &'static str, file: &Path, digest: &[u8]) -> Source {
    let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    Source { role, file: name, sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// Which models are candidates in which source, as a file says.
pub(crate) fn named_pools(text: &str, file: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let (file, expected) = (file.display(), "expected an object of sources, each a list of models");
    let NamedOnce(named) = serde_json::from_str(text)
        .map_err(|error| anyhow!("{file}, line {}: {expected}, found {}", error.line(), broken(&error)))?;
    if named.is_empty() {
        bail!("{file}: {expected}, found no source");
    }
    Ok(named)
}

/// Pools by their sources, each of which stands there once: of two lists nobody can say which was meant.
struct NamedOnce(BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for NamedOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedOnceVisitor)
    }
}

struct NamedOnceVisitor;

impl<'de> Visitor<'de> for NamedOnceVisitor {
    type Value = NamedOnce;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of sources")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedOnce, A::Error> {
        let mut named = BTreeMap::new();
        while let Some((source, models)) = map.next_entry::<String, Vec<String>>()? {
            if named.contains_key(&source) {
                return Err(A::Error::custom(format_args!("`{source}` twice")));
            }
            named.insert(source, models);
        }
        Ok(NamedOnce(named))
    }
}

/// What a catalog says of prices, for judging.
pub(crate) fn price_list(catalog: &Catalog) -> PriceList {
    let price = |model: &Model| {
        let prices = &model.prices;
        TokenPrices { prompt: prices.prompt.usd_per_1m(), completion: prices.completion.usd_per_1m() }
    };
    catalog.models().iter().map(|model| (model.id.as_str().to_owned(), price(model))).collect()
}
