//! Two models, one weak and one strong: the figures of routers that only ever choose between two. Prompts go to the strong
//! model in the order in which it is expected to help most.

use serde::Serialize;

use crate::curve::{Forecast, Truth};
use crate::grid::{mean, number};

/// How well a router spends calls to the strong model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairFigures {
    /// The cheaper one.
    pub weak: String,
    /// The better one.
    pub strong: String,
    /// The mean quality of each.
    pub quality: (f64, f64),
    /// The mean share of the gap between them that is recovered, over all shares of strong calls; 0.5 is a coin.
    pub apgr: f64,
    /// The share of strong calls that recovers half of the gap.
    pub cpt50: Option<f64>,
    /// The share that recovers four fifths.
    pub cpt80: Option<f64>,
}

/// The figures of a pair, by their places in the pool. None where the strong one is not the better one: there is no gap.
pub fn judge_pair(
    forecast: &Forecast,
    truth: &Truth,
    (weak, strong): (usize, usize),
    names: (&str, &str),
) -> Option<PairFigures> {
    let column = |model| truth.quality.column(model).collect::<Vec<f64>>();
    let (weak_quality, strong_quality) = (column(weak), column(strong));
    let means = (mean(weak_quality.iter().copied()), mean(strong_quality.iter().copied()));
    let gap = means.1 - means.0;
    if gap <= 0.0 {
        return None;
    }
    let help: Vec<f64> = forecast.quality.rows().map(|row| row[strong] - row[weak]).collect();
    let mut order: Vec<usize> = (0..help.len()).collect();
    order.sort_by(|a, b| help[*b].total_cmp(&help[*a]).then(a.cmp(b)));
    let n = number(order.len());
    let mut recovered = vec![0.0];
    let mut gained = 0.0;
    for prompt in &order {
        gained += strong_quality[*prompt] - weak_quality[*prompt];
        recovered.push(gained / n / gap);
    }
    // The area under the recovered share, by trapezoids.
    let apgr = recovered.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).sum::<f64>() / n;
    let reached = |share: f64| recovered.iter().position(|value| *value >= share).map(|calls| number(calls) / n);
    Some(PairFigures {
        weak: names.0.to_owned(),
        strong: names.1.to_owned(),
        quality: means,
        apgr,
        cpt50: reached(0.5),
        cpt80: reached(0.8),
    })
}

#[cfg(test)]
mod tests;
