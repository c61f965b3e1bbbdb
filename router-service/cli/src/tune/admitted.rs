//! Who may serve by the base policy, whatever is asked: whoever may not is neither chosen nor the reference of a promise.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use decision::{
    Absent, Candidates, Catalog, Evidence, Exclusion, Limits, Mode, ModelId, Policy, PolicyName, Quality, RequestFacts,
    Rules, Tokens,
};
use evals::pool::Pool;

use crate::CalledWrongly;

/// The models that may serve.
pub(super) struct Admitted {
    /// Pool by pool.
    pub(super) pools: BTreeMap<String, Vec<String>>,
    left_out: BTreeSet<String>,
}

impl Admitted {
    /// Those of these pools. Where a policy names regions or what is kept of a prompt it takes a catalog to tell.
    pub(super) fn among(pools: &[Pool], base: &Policy, catalog: Option<&Catalog>) -> anyhow::Result<Self> {
        let mut admitted = Self { pools: BTreeMap::new(), left_out: BTreeSet::new() };
        for pool in pools {
            let ids: Vec<ModelId> = pool.models.iter().map(|model| ModelId::new(model)).collect::<Result<_, _>>()?;
            let barred = barred(&ids, &base.rules().limits, catalog)?;
            let (left_out, may): (Vec<&ModelId>, Vec<&ModelId>) = ids.iter().partition(|id| barred.contains(*id));
            admitted.left_out.extend(left_out.into_iter().map(ToString::to_string));
            admitted.pools.insert(pool.name.clone(), may.into_iter().map(ToString::to_string).collect());
        }
        Ok(admitted)
    }

    /// Who is left out, if anybody is.
    pub(super) fn note(&self) -> Option<String> {
        let names = self.left_out.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("left out, as the base policy does not let them serve: {names}"))
    }

    /// Refuses a reference that is left out.
    pub(super) fn check_reference(&self, against: &str) -> anyhow::Result<()> {
        if self.left_out.contains(against) {
            let complaint = format!("--against: expected a model that the base policy lets serve, found `{against}`");
            bail!(CalledWrongly(complaint));
        }
        Ok(())
    }
}

/// Who may not serve by their names, by where they are served, or by what is kept of a prompt there.
fn barred(ids: &[ModelId], limits: &Limits, catalog: Option<&Catalog>) -> anyhow::Result<BTreeSet<ModelId>> {
    let by_name =
        |id: &&ModelId| limits.deny.contains(*id) || limits.allow.as_ref().is_some_and(|allow| !allow.contains(*id));
    let mut barred: BTreeSet<ModelId> = ids.iter().filter(by_name).cloned().collect();
    if limits.regions.is_none() && !limits.zero_data_retention {
        return Ok(barred);
    }
    let lacks =
        "the base policy has `regions` or `zero_data_retention`, which only a catalog (.toml) as --prices can tell";
    let catalog = catalog.context(lacks)?;
    let limits = Limits { max_cost: None, ..limits.clone() };
    let rules = Rules { limits, ..Rules::of(Mode::Tolerance { quality_tolerance: Quality::ZERO }) };
    let policy = Policy::new(PolicyName::new("limits")?, rules)?;
    let asked = Some(ids.iter().cloned().collect());
    let facts = RequestFacts { candidates: asked, ..RequestFacts::of_size(Tokens::ZERO) };
    let candidates =
        Candidates::join(catalog, &policy, &facts, &Evidence::Absent(Absent::NotLoaded), &BTreeSet::new())?;
    let is_place = |exclusion: &Exclusion| matches!(exclusion, Exclusion::Region | Exclusion::ZeroDataRetention);
    let placed = candidates.all().iter().filter(|candidate| candidate.exclusion.as_ref().is_some_and(is_place));
    barred.extend(placed.map(|candidate| candidate.model.clone()));
    Ok(barred)
}
