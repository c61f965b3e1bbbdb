//! The curve of promise against saving.

use evals::report::svg::{Anchor, Drawing};

use super::Statement;
use crate::tune::{CURVE, Offer};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 44.0;

/// Losses stand on a logarithmic scale: the difference between 0.25% and 0.5% matters as much as that between 5% and 10%.
fn across(loss: f64) -> f64 {
    let (low, high) = (CURVE[0], CURVE[CURVE.len() - 1]);
    LEFT + 8.0 + ((loss / low).ln() / (high / low).ln()).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT - 16.0)
}

fn up(saving: f64) -> f64 {
    BOTTOM - saving.clamp(0.0, 1.0) * (BOTTOM - TOP)
}

pub(super) fn curve(statement: &Statement) -> String {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for fifth in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        drawing.line("grid", (LEFT, up(fifth)), (WIDTH - RIGHT, up(fifth)));
        drawing.text("tick", (LEFT - 6.0, up(fifth) + 4.0), Anchor::End, &format!("{:.0}%", fifth * 100.0));
    }
    for loss in [0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2] {
        drawing.line("grid", (across(loss), TOP), (across(loss), BOTTOM));
        drawing.text("tick", (across(loss), BOTTOM + 16.0), Anchor::Middle, &format!("{loss}"));
    }
    let place = f64::midpoint(LEFT, WIDTH);
    drawing.text("axis", (place, HEIGHT - 6.0), Anchor::Middle, "loss at most (logarithmic), and saving (up)");
    let line = |saving: fn(&Offer) -> Option<f64>| -> Vec<(f64, f64)> {
        let offers = statement.tuned.curve.iter();
        offers.map(|offer| (across(offer.loss_at_most), up(saving(offer).unwrap_or(0.0)))).collect()
    };
    drawing.path("base base0", &line(|offer| offer.saving_if_chosen_here), false);
    drawing.path("router", &line(|offer| offer.saving), false);
    for offer in &statement.tuned.curve {
        let saving = offer.saving.unwrap_or(0.0);
        let title = format!("loss at most {}: saves {:.1}%", offer.loss_at_most, saving * 100.0);
        drawing.dot("single", (across(offer.loss_at_most), up(saving)), 3.5, &title);
    }
    if let Some(promise) = statement.policy.promise() {
        let at = (across(promise.terms().loss_at_most), up(statement.tuned.saving.value));
        drawing.dot("policy", at, 6.0, "this promise");
    }
    drawing.finish("What may be lost, and what that saves")
}
