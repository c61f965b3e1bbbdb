//! The charts of a report: cost against quality, forecast against outcome, savings and traffic.

use super::svg::{Anchor, Drawing};
use crate::calibration::Bin;
use crate::grid::number;
use crate::hull::Point;
use crate::replay::PolicyVerdict;
use crate::verdict::{Method, Verdict};

const WIDTH: f64 = 560.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;

/// Powers of ten that an axis of dollars shows: more than lie between what a token costs and what there is in the world.
const MAX_DECADES: u8 = 24;

/// A stretch of numbers onto a stretch of pixels, on a logarithmic scale if asked.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let place = |value: f64| if self.logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let (low, high) = (place(self.low), place(self.high));
        let share = if high > low { (place(value) - low) / (high - low) } else { 0.5 };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }
}

/// Cost against quality: the router with its band, the baselines, blind mixing, every single model by its number.
pub(super) fn frontier(verdict: &Verdict) -> String {
    const HEIGHT: f64 = 400.0;
    let points = verdict.singles.iter().chain(&verdict.references).map(|reference| reference.point);
    let points: Vec<Point> = points.collect();
    let quality = |fold: fn(f64, f64) -> f64, from: f64| points.iter().map(|point| point.quality).fold(from, fold);
    let (low, high) = (quality(f64::min, f64::INFINITY), quality(f64::max, f64::NEG_INFINITY));
    let pad = ((high - low) * 0.05).max(0.005);
    let (cheapest, dearest) = paid_range(&points);
    let x = Axis { low: cheapest / 1.3, high: dearest * 1.3, from: LEFT, to: WIDTH - RIGHT, logarithmic: true };
    let y = Axis { low: low - pad, high: (high + pad).min(1.0), from: HEIGHT - 44.0, to: 12.0, logarithmic: false };
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    grid(&mut drawing, &x, &y);
    drawing.text(
        "axis",
        (f64::midpoint(LEFT, WIDTH), HEIGHT - 6.0),
        Anchor::Middle,
        "USD per 1,000 requests (logarithmic)",
    );
    let spot = |point: &Point| (x.at(point.cost_usd * 1000.0), y.at(point.quality));
    if let Some(router) = verdict.router() {
        let up = router.band.iter().map(|(cost, _, high)| (x.at(cost * 1000.0), y.at(*high)));
        let down = router.band.iter().rev().map(|(cost, low, _)| (x.at(cost * 1000.0), y.at(*low)));
        drawing.path("band", &up.chain(down).collect::<Vec<_>>(), true);
    }
    let line = |points: &[Point]| curve(points, &spot);
    drawing.path("zero", &line(verdict.zero.points()), false);
    for (index, method) in verdict.methods.iter().enumerate().rev() {
        drawing.path(&method_class(verdict, index), &line(method.hull.points()), false);
    }
    singles(&mut drawing, verdict, &spot);
    for reference in verdict.references.iter().filter(|reference| ["random mix", "oracle"].contains(&&*reference.name))
    {
        let (px, py) = spot(&reference.point);
        drawing.dot("reference", (px, py), 4.0, &reference.name);
        drawing.text(
            "small",
            (px + 8.0, py + 4.0),
            if px > WIDTH - 90.0 { Anchor::End } else { Anchor::Start },
            &reference.name,
        );
    }
    if let Some(policy) = &verdict.policy {
        let (px, py) = spot(&policy.point);
        drawing.dot("policy", (px, py), 6.0, &format!("policy {}", policy.policy));
    }
    drawing.finish(&format!("Cost against quality on {}", verdict.pool))
}

/// The least and the most that is paid per 1,000 requests. Free models have no place on a logarithmic scale: they stand at its
/// left end, which is put well below the cheapest that is paid for.
fn paid_range(points: &[Point]) -> (f64, f64) {
    let paid = || points.iter().map(|point| point.cost_usd * 1000.0).filter(|cost| *cost > 0.0);
    let (least, most) = (paid().fold(f64::INFINITY, f64::min), paid().fold(0.0, f64::max));
    match (paid().next(), paid().count() == points.len()) {
        (None, _) => (0.1, 1.0),
        (Some(_), true) => (least, most),
        (Some(_), false) => (least / 3.0, most),
    }
}

/// A hull between its corners: straight in dollars, so bent on a logarithmic scale.
fn curve(points: &[Point], spot: &impl Fn(&Point) -> (f64, f64)) -> Vec<(f64, f64)> {
    const N_BETWEEN: usize = 12;
    let mut drawn = Vec::new();
    for pair in points.windows(2) {
        for step in 0..N_BETWEEN {
            let share = number(step) / number(N_BETWEEN);
            let between = |from: f64, to: f64| from + share * (to - from);
            drawn.push(spot(&Point {
                cost_usd: between(pair[0].cost_usd, pair[1].cost_usd),
                quality: between(pair[0].quality, pair[1].quality),
            }));
        }
    }
    drawn.extend(points.last().map(spot));
    drawn
}

/// Every model as a dot with its number; a number moves aside until it covers no other.
fn singles(drawing: &mut Drawing, verdict: &Verdict, spot: &impl Fn(&Point) -> (f64, f64)) {
    let dots: Vec<(f64, f64)> = verdict.singles.iter().map(|single| spot(&single.point)).collect();
    for (single, dot) in verdict.singles.iter().zip(&dots) {
        drawing.dot("single", *dot, 3.5, &single.name);
    }
    let mut taken: Vec<(f64, f64)> = dots.clone();
    for (index, (x, y)) in dots.iter().enumerate() {
        let rings = [11.0, 18.0, 26.0, 34.0, 44.0];
        let around = rings.iter().flat_map(|radius| {
            (0u8..8).map(move |step| {
                let angle = f64::from(step) * std::f64::consts::FRAC_PI_4 - std::f64::consts::FRAC_PI_4;
                (x + radius * angle.cos(), y + radius * angle.sin())
            })
        });
        let free = |place: &(f64, f64)| {
            let inside = place.0 > LEFT + 6.0 && place.0 < WIDTH - 8.0 && place.1 > 10.0 && place.1 < 352.0;
            inside && taken.iter().all(|(tx, ty)| (tx - place.0).abs() > 12.5 || (ty - place.1).abs() > 10.5)
        };
        let place = around.clone().find(free).unwrap_or((x + 11.0, y - 11.0));
        if (place.0 - x).hypot(place.1 - y) > 16.0 {
            drawing.line("leader", (*x, *y), place);
        }
        drawing.text("number", (place.0, place.1 + 4.0), Anchor::Middle, &(index + 1).to_string());
        taken.push(place);
    }
}

fn grid(drawing: &mut Drawing, x: &Axis, y: &Axis) {
    let step = nice_step((y.high - y.low) / 5.0);
    let first = (y.low / step).ceil();
    for index in 0u8..12 {
        let value = (first + f64::from(index)) * step;
        if value > y.high {
            break;
        }
        drawing.line("grid", (x.from, y.at(value)), (x.to, y.at(value)));
        drawing.text("tick", (x.from - 6.0, y.at(value) + 4.0), Anchor::End, &format!("{value:.2}"));
    }
    let lowest = x.low.max(1e-9).log10().floor();
    for decade in 0..MAX_DECADES {
        let power = 10f64.powf(lowest + f64::from(decade));
        if power > x.high {
            break;
        }
        for times in [1.0, 3.0] {
            let value = power * times;
            if value >= x.low && value <= x.high {
                drawing.line("grid", (x.at(value), y.from), (x.at(value), y.to));
                // A power of ten computed in floats may carry a tail that nobody wants to read.
                let label = format!("{value:.6}");
                let label = label.trim_end_matches('0').trim_end_matches('.');
                drawing.text("tick", (x.at(value), y.from + 16.0), Anchor::Middle, label);
            }
        }
    }
}

fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|times| times * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

/// The class that draws a method: the router is told from the baselines, and these from one another.
pub(super) fn method_class(verdict: &Verdict, index: usize) -> String {
    match index {
        0 if verdict.has_router => "router".to_owned(),
        index => format!("base base{}", index - usize::from(verdict.has_router)),
    }
}

/// Forecast against outcome; on the diagonal a forecast is honest.
pub(super) fn reliability(method: &Method) -> String {
    const HEIGHT: f64 = 360.0;
    let x = Axis { low: 0.0, high: 1.0, from: LEFT, to: WIDTH - RIGHT, logarithmic: false };
    let y = Axis { low: 0.0, high: 1.0, from: HEIGHT - 44.0, to: 12.0, logarithmic: false };
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for tenth in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        drawing.line("grid", (x.from, y.at(tenth)), (x.to, y.at(tenth)));
        drawing.line("grid", (x.at(tenth), y.from), (x.at(tenth), y.to));
        drawing.text("tick", (x.from - 6.0, y.at(tenth) + 4.0), Anchor::End, &format!("{tenth:.1}"));
        drawing.text("tick", (x.at(tenth), y.from + 16.0), Anchor::Middle, &format!("{tenth:.1}"));
    }
    drawing.line("zero", (x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)));
    let spot = |bin: &Bin| (x.at(bin.forecast), y.at(bin.outcome));
    for bin in &method.reliability {
        let at = x.at(bin.forecast);
        drawing.line("whisker", (at, y.at(bin.low)), (at, y.at(bin.high)));
    }
    drawing.path("router", &method.reliability.iter().map(spot).collect::<Vec<_>>(), false);
    for bin in &method.reliability {
        let title = format!("forecast {:.3}, came true {:.3}, {} answers", bin.forecast, bin.outcome, bin.n);
        drawing.dot("policy", spot(bin), 4.5, &title);
    }
    drawing.text(
        "axis",
        (f64::midpoint(LEFT, WIDTH), HEIGHT - 6.0),
        Anchor::Middle,
        "forecast (across) and what came true (up)",
    );
    drawing.finish("Reliability: forecast against what came true")
}

/// Savings at the kept shares of quality, the first method beside blind mixing.
pub(super) fn savings(method: &Method) -> String {
    const ROW: f64 = 54.0;
    let savings = &method.figures.savings;
    let mut drawing = Drawing::new(WIDTH, ROW * number(savings.len()) + 8.0);
    let left = 96.0;
    let width = WIDTH - left - 70.0;
    for (index, saving) in savings.iter().enumerate() {
        let top = ROW * number(index) + 8.0;
        drawing.text("axis", (left - 10.0, top + 25.0), Anchor::End, &format!("at {:.0}%", saving.kept * 100.0));
        for (class, share, offset) in [("bar-router", saving.saved, 0.0), ("bar-zero", saving.blind, 20.0)] {
            let length = share.unwrap_or(0.0).max(0.0) * width;
            drawing.bar(class, (left, top + offset), (length, 17.0), "");
            let text = share.map_or_else(|| "never reached".to_owned(), |share| format!("{:.1}%", share * 100.0));
            drawing.text("small", (left + length + 6.0, top + offset + 13.0), Anchor::Start, &text);
        }
    }
    drawing.finish("Cost saved at shares of the best single model's quality")
}

/// Who got which share of the prompts.
pub(super) fn traffic(policy: &PolicyVerdict) -> String {
    const ROW: f64 = 26.0;
    const SHOWN: usize = 12;
    let rest: f64 = policy.traffic.iter().skip(SHOWN).map(|(_, share)| share).sum();
    let others = (rest > 0.0).then(|| ("all others".to_owned(), rest));
    let rows: Vec<(String, f64)> = policy.traffic.iter().take(SHOWN).cloned().chain(others).collect();
    let mut drawing = Drawing::new(WIDTH, ROW * number(rows.len()) + 6.0);
    let most = rows.iter().map(|(_, share)| *share).fold(0.0, f64::max).max(1e-9);
    let left = 236.0;
    for (index, (model, share)) in rows.iter().enumerate() {
        let top = ROW * number(index) + 4.0;
        drawing.text("small", (left - 8.0, top + 14.0), Anchor::End, &super::table::cut(model, 32));
        let length = share / most * (WIDTH - left - 60.0);
        drawing.bar("bar-router", (left, top), (length, 18.0), model);
        drawing.text("small", (left + length + 6.0, top + 14.0), Anchor::Start, &format!("{:.1}%", share * 100.0));
    }
    drawing.finish("Share of the prompts by chosen model")
}
