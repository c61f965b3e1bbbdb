//! A report: verdicts with their provenance, as a table, as JSON, and as one page. All three say the same; none can be made
//! without the baselines, since a verdict always holds them.

use serde::Serialize;

use crate::gate::Gate;
use crate::grid::mean;
use crate::verdict::{Method, Verdict};

mod chart;
mod page;
pub mod svg;
mod table;

/// The style of every page: light and dark, from a phone to a wall.
pub const STYLE: &str = include_str!("report/page.css");

/// A file that went into a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    /// What it is: outcomes, forecasts, prices, policy.
    pub role: &'static str,
    /// Its name.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Where a report comes from: whoever has these files and this line gets the same report, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Provenance {
    /// The version of this program.
    pub pointsman: &'static str,
    /// The files.
    pub sources: Vec<Source>,
    /// Outcome rows read.
    pub n_rows: usize,
    /// Rows that were bad and passed over, because somebody asked for that.
    pub n_skipped: u64,
    /// The seed of every random number.
    pub seed: u32,
    /// Bootstrap samples behind every interval.
    pub n_bootstraps: usize,
    /// The replayed policy in its text form.
    pub policy: String,
    /// What a reader must know beside the figures: what was judged, and what was passed over.
    pub notes: Vec<String>,
}

/// A method's means over the pools.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overall {
    /// What it is called.
    pub name: String,
    /// Pools it was judged on.
    pub n_pools: usize,
    /// Mean AUC of the pools that have one.
    pub auc: f64,
    /// Mean Brier score.
    pub brier: f64,
    /// Mean calibration error.
    pub ece: f64,
    /// Mean of what perfect calibration would show.
    pub ece_if_perfect: f64,
    /// Mean AIQ.
    pub aiq: f64,
    /// Mean gain over blind mixing with the mean ends of its interval.
    pub gain: (f64, f64, f64),
    /// Mean savings at the kept shares, over the pools that reach them, with how many do.
    pub savings: Vec<(f64, f64, usize)>,
}

/// Verdicts with their provenance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Pool by pool.
    pub verdicts: Vec<Verdict>,
    /// Means over the pools, method by method.
    pub overall: Vec<Overall>,
    /// Champion against challenger, where there is a champion.
    pub gate: Option<Gate>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Report {
    /// Puts a report together.
    pub fn new(verdicts: Vec<Verdict>, gate: Option<Gate>, provenance: Provenance) -> Self {
        let overall = overall(&verdicts);
        Self { verdicts, overall, gate, provenance }
    }

    /// A table that fits a hundred columns.
    pub fn table(&self) -> String {
        table::table(self)
    }

    /// Everything, for machines.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts have a JSON form")
    }

    /// One page that needs nothing else.
    pub fn page(&self) -> String {
        page::page(self)
    }
}

fn overall(verdicts: &[Verdict]) -> Vec<Overall> {
    let mut names: Vec<&str> = Vec::new();
    for method in verdicts.iter().flat_map(|verdict| &verdict.methods) {
        if !names.contains(&method.name.as_str()) {
            names.push(&method.name);
        }
    }
    let of = |name: &str| -> Vec<&Method> {
        verdicts.iter().flat_map(|verdict| &verdict.methods).filter(|method| method.name == name).collect()
    };
    names.into_iter().map(|name| means(name, &of(name))).collect()
}

fn means(name: &str, methods: &[&Method]) -> Overall {
    let over = |figure: &dyn Fn(&Method) -> f64| mean(methods.iter().map(|method| figure(method)));
    let savings = crate::verdict::KEPT_SHARES.iter().enumerate().map(|(index, kept)| {
        let reached: Vec<f64> = methods.iter().filter_map(|method| method.figures.savings[index].saved).collect();
        (*kept, mean(reached.iter().copied()), reached.len())
    });
    Overall {
        name: name.to_owned(),
        n_pools: methods.len(),
        auc: mean(methods.iter().filter_map(|method| method.figures.auc)),
        brier: over(&|method| method.figures.brier),
        ece: over(&|method| method.figures.ece),
        ece_if_perfect: over(&|method| method.figures.ece_if_perfect),
        aiq: over(&|method| method.figures.aiq),
        gain: (
            over(&|method| method.figures.gain.value),
            over(&|method| method.figures.gain.low),
            over(&|method| method.figures.gain.high),
        ),
        savings: savings.collect(),
    }
}

#[cfg(test)]
mod tests;
