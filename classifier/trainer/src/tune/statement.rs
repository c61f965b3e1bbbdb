//! What came of tuning, for people and machines: a table for a terminal, JSON, and one page with the curve.

use std::fmt::Write;

use decision::{Policy, Promise};
use evals::report::svg::escaped;
use evals::report::{STYLE, Source};
use serde::Serialize;

use super::{Offer, Tuned};

mod chart;

/// A tuned policy with its promise and where both come from.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What was found.
    pub tuned: Tuned,
    /// The policy with its promise.
    pub policy: Policy,
    /// The policy file.
    pub file: String,
    /// The pool it was tuned on.
    pub pool: String,
    /// The files that went in.
    pub sources: Vec<Source>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
struct Json<'a> {
    pool: &'a str,
    promise: String,
    policy: &'a str,
    version: &'a str,
    loss_at_most: f64,
    confidence: f64,
    reference: Option<String>,
    n_prompts: usize,
    n_groups: usize,
    quality: f64,
    reference_quality: f64,
    usd_per_1000: f64,
    reference_usd_per_1000: f64,
    loss: [f64; 3],
    saving: [f64; 3],
    slices: Option<&'a (Vec<String>, Vec<String>)>,
    n_shown: usize,
    n_tried: usize,
    curve: &'a [Offer],
    sources: &'a [Source],
    notes: &'a [String],
    file: &'a str,
}

impl Statement {
    /// The promise in one sentence.
    pub fn sentence(&self) -> String {
        self.policy.promise().map(Promise::to_string).unwrap_or_default()
    }

    /// Everything, for machines.
    pub fn json(&self) -> String {
        let tuned = &self.tuned;
        let terms = self.policy.promise().map(Promise::terms);
        let json = Json {
            pool: &self.pool,
            promise: self.sentence(),
            policy: self.policy.name().as_str(),
            version: self.policy.version(),
            loss_at_most: terms.map_or(f64::NAN, |terms| terms.loss_at_most),
            confidence: terms.map_or(f64::NAN, |terms| terms.confidence),
            reference: tuned.reference.as_ref().map(ToString::to_string),
            n_prompts: tuned.n_prompts,
            n_groups: tuned.n_groups,
            quality: tuned.quality.0,
            reference_quality: tuned.quality.1,
            usd_per_1000: tuned.cost_usd.0 * 1000.0,
            reference_usd_per_1000: tuned.cost_usd.1 * 1000.0,
            loss: [tuned.loss.value, tuned.loss.low, tuned.loss.high],
            saving: [tuned.saving.value, tuned.saving.low, tuned.saving.high],
            slices: tuned.slices.as_ref(),
            n_shown: tuned.n_shown,
            n_tried: tuned.n_tried,
            curve: &tuned.curve,
            sources: &self.sources,
            notes: &self.notes,
            file: &self.file,
        };
        serde_json::to_string_pretty(&json).expect("numbers and texts have a JSON form")
    }

    /// A table that fits a hundred columns.
    pub fn table(&self) -> String {
        let tuned = &self.tuned;
        let mut text = String::new();
        // Writing to a text cannot fail, so the results are dropped here and below.
        let title = format!("{}: {} prompts in {} groups", self.pool, tuned.n_prompts, tuned.n_groups);
        let _ = writeln!(text, "{title}\n{}", "=".repeat(title.chars().count()));
        let _ = writeln!(text, "Promised: {}.\n", self.sentence());
        let _ = writeln!(text, "{:<12}{:>10}{:>18}", "", "quality", "USD per 1,000");
        let line = |name: &str, quality: f64, cost: f64| format!("{name:<12}{quality:>10.4}{:>18.4}", cost * 1000.0);
        let _ = writeln!(text, "{}", line("policy", tuned.quality.0, tuned.cost_usd.0));
        let _ = writeln!(text, "{}", line("reference", tuned.quality.1, tuned.cost_usd.1));
        let (saving, loss) = (tuned.saving, tuned.loss);
        let _ = writeln!(
            text,
            "on these rows: saving {:.1}% [{:.1}%, {:.1}%], loss {:+.4} [{:+.4}, {:+.4}]",
            saving.value * 100.0,
            saving.low * 100.0,
            saving.high * 100.0,
            loss.value,
            loss.low,
            loss.high
        );
        let _ = writeln!(text, "{} of {} parameters were shown to keep the promise", tuned.n_shown, tuned.n_tried);
        if let Some((held, too_small)) = &tuned.slices {
            let _ = writeln!(text, "it holds in each of: {}", held.join(", "));
            if !too_small.is_empty() {
                let _ = writeln!(text, "too small for any promise: {}", too_small.join(", "));
            }
        }
        let _ = writeln!(text, "\n{:<16}{:>22}{:>26}", "loss at most", "saving if set before", "saving if chosen here");
        for offer in &tuned.curve {
            let _ = writeln!(
                text,
                "{:<16}{:>22}{:>26}",
                offer.loss_at_most,
                percent(offer.saving),
                percent(offer.saving_if_chosen_here)
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        text
    }

    /// One page that needs nothing else.
    pub fn page(&self) -> String {
        let tuned = &self.tuned;
        let mut body = format!(
            "<header><h1>What was promised</h1><p class=\"gate ship\"><strong>Promise:</strong> {}.</p></header>",
            escaped(&self.sentence())
        );
        let _ = write!(
            body,
            "<p>Tuned on {} prompts in {} groups of <code>{}</code>; groups of near-duplicates count once. {} of {} parameters \
             were shown to keep the promise, and this is the cheapest of them.</p>",
            tuned.n_prompts,
            tuned.n_groups,
            escaped(&self.pool),
            tuned.n_shown,
            tuned.n_tried
        );
        let _ = write!(
            body,
            "<div class=\"wide\"><table><tr><th></th><th>quality</th><th>USD per 1,000</th></tr><tr><td>policy</td>\
             <td>{:.4}</td><td>{:.4}</td></tr><tr><td>reference</td><td>{:.4}</td><td>{:.4}</td></tr></table></div>",
            tuned.quality.0,
            tuned.cost_usd.0 * 1000.0,
            tuned.quality.1,
            tuned.cost_usd.1 * 1000.0
        );
        let _ = write!(
            body,
            "<section><h2>Other promises</h2><figure><figcaption>What may be lost, and what that saves</figcaption>{}\
             <p class=\"note\"><span class=\"key router\"></span>decided on before <span class=\"key base0\"></span>chosen by \
             looking at this curve <span class=\"key policy\"></span>this promise</p></figure>{}</section>",
            chart::curve(self),
            self.offers()
        );
        if let Some((held, too_small)) = &tuned.slices {
            let _ = write!(body, "<p>It holds in each of: {}.</p>", escaped(&held.join(", ")));
            if !too_small.is_empty() {
                let _ = write!(body, "<p>Too small for any promise: {}.</p>", escaped(&too_small.join(", ")));
            }
        }
        let _ = write!(body, "<section><h2>The policy</h2><pre>{}</pre></section>", escaped(&self.file));
        body.push_str(&self.provenance());
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width,initial-scale=1\"><title>Pointsman: what was promised</title>\
             <style>{STYLE}</style></head><body>{body}</body></html>\n"
        )
    }

    fn offers(&self) -> String {
        let mut text = String::from(
            "<div class=\"wide\"><table><tr><th>loss at most</th><th>saving if decided on before</th>\
             <th>saving if chosen here</th></tr>",
        );
        for offer in &self.tuned.curve {
            let _ = write!(
                text,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                offer.loss_at_most,
                percent(offer.saving),
                percent(offer.saving_if_chosen_here)
            );
        }
        text.push_str(
            "</table></div><p class=\"note\">Whoever picks a figure from this table has picked it on these very rows. \
             <code>--looked</code> pays for that, and the last column is what is left.</p>",
        );
        text
    }

    fn provenance(&self) -> String {
        let mut text = String::from(
            "<section><h2>Where this comes from</h2><div class=\"wide\"><table><tr><th>file</th><th>what</th><th>sha256</th></tr>",
        );
        for source in &self.sources {
            let (file, role, digest) = (escaped(&source.file), source.role, &source.sha256);
            let _ = write!(text, "<tr><td>{file}</td><td>{role}</td><td><code>{digest}</code></td></tr>");
        }
        let notes = self.notes.iter().map(|note| escaped(note)).collect::<Vec<_>>().join("; ");
        let _ = write!(text, "</table></div><p class=\"note\">{notes}</p></section>");
        text
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0))
}
