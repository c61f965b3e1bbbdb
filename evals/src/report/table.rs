//! The report as text for a terminal, at most a hundred columns wide.

use std::fmt::Write;

use super::Report;
use crate::curve::Interval;
use crate::hull::Point;
use crate::replay::PolicyVerdict;
use crate::verdict::{Method, Saving, Verdict};

/// The widest line.
pub(super) const WIDTH: usize = 100;

/// The room for a method's name.
const NAME: usize = 26;

pub(super) fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail, so the results are dropped here and below.
    for verdict in &report.verdicts {
        let _ = writeln!(text, "{}", pool(verdict));
    }
    if report.verdicts.len() > 1 {
        let _ = writeln!(text, "{}", overall(report));
    }
    if let Some(gate) = &report.gate {
        let verdict = if gate.ship { "SHIP" } else { "DO NOT SHIP" };
        let _ = writeln!(text, "{verdict}: {}\n", gate.reason);
    }
    for note in crate::baselines::NOTES.into_iter().chain(report.provenance.notes.iter().map(String::as_str)) {
        text.push_str(&wrapped(note));
    }
    let provenance = &report.provenance;
    let _ = write!(
        text,
        "{} rows, seed {}, {} bootstraps; pointsman {}",
        provenance.n_rows, provenance.seed, provenance.n_bootstraps, provenance.pointsman
    );
    if provenance.n_skipped > 0 {
        let _ = write!(text, "; {} bad rows passed over", provenance.n_skipped);
    }
    text.push('\n');
    text
}

/// A sentence in as many lines as it needs, the later ones indented.
fn wrapped(sentence: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in sentence.split_whitespace() {
        let word = cut(word, WIDTH - 4);
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push_str("\n    ");
            column = 4;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(&word);
        column += length;
    }
    text + "\n"
}

fn pool(verdict: &Verdict) -> String {
    let mut text = String::new();
    let coverage = if verdict.n_prompts < verdict.n_of { format!(" of {}", verdict.n_of) } else { String::new() };
    let title = format!("{}: {}{coverage} prompts x {} models", verdict.pool, verdict.n_prompts, verdict.singles.len());
    let _ = writeln!(text, "{title}\n{}", "=".repeat(title.chars().count().min(WIDTH)));
    let _ = writeln!(text, "{:<43}{:>18}{:>10}", "", "USD per 1,000", "quality");
    for reference in &verdict.references {
        let _ = writeln!(text, "{}", place(&reference.name, reference.point));
    }
    text.push('\n');
    text.push_str(&heading());
    for method in &verdict.methods {
        let _ = writeln!(text, "{}", line(method));
    }
    let blind: Vec<String> = verdict.methods[0].figures.savings.iter().map(|saving| percent(saving.blind)).collect();
    let _ = writeln!(
        text,
        "{:<NAME$}{:>6}{:>7}{:>14}{:>8}{:>24}{:>7}{:>8}",
        "blind mixing (zero router)",
        "",
        "",
        "",
        format!("{:.4}", verdict.zero_aiq),
        "0",
        blind[1],
        blind[2]
    );
    let _ = writeln!(text, "{}", first_in_words(verdict));
    for method in verdict.methods.iter().filter(|method| method.behind_router.is_some()) {
        if let Some(behind) = &method.behind_router {
            let _ = writeln!(text, "router's AIQ less that of {}: {}", cut(&method.name, NAME + 12), signed(behind));
        }
    }
    if verdict.n_assumed_bills > 0 {
        let of = verdict.n_of * verdict.singles.len();
        let _ = writeln!(
            text,
            "{} of {of} bills rest on a usual length of the answer, as the rows give no count",
            verdict.n_assumed_bills
        );
    }
    if let Some(pair) = &verdict.pair {
        let call =
            |share: Option<f64>| share.map_or_else(|| "never".to_owned(), |share| format!("{:.1}%", share * 100.0));
        let _ = writeln!(
            text,
            "pair {} / {}: APGR {:.4}, CPT(50%) {}, CPT(80%) {}",
            cut(&pair.weak, 24),
            cut(&pair.strong, 24),
            pair.apgr,
            call(pair.cpt50),
            call(pair.cpt80)
        );
    }
    if let Some(policy) = &verdict.policy {
        text.push('\n');
        text.push_str(&replayed(policy));
    }
    text
}

/// What does not fit into the columns, for the method that matters most: the router, or the first baseline.
fn first_in_words(verdict: &Verdict) -> String {
    let method = &verdict.methods[0];
    let figures = &method.figures;
    let at: Vec<String> = figures.savings.iter().map(|saving| format!("{:.0}", saving.kept * 100.0)).collect();
    let saved: Vec<String> = figures.savings.iter().map(|saving| percent(saving.saved)).collect();
    format!(
        "{}: saves {} at {}% of the best quality;\n  PerfGain {:+.4}, CostSave {}, regret to the oracle {:.4}",
        cut(&method.name, NAME - 1),
        saved.join(" / "),
        at.join(" / "),
        figures.perf_gain,
        percent(figures.cost_save),
        figures.regret
    )
}

fn heading() -> String {
    format!(
        "{:<NAME$}{:>6}{:>7}{:>14}{:>8}{:>24}{:>7}{:>8}\n",
        "", "AUC", "Brier", "ECE (perfect)", "AIQ", "gain over blind mixing", "save99", "save97"
    )
}

fn line(method: &Method) -> String {
    let figures = &method.figures;
    let saved = |index: usize| percent(figures.savings.get(index).and_then(|saving: &Saving| saving.saved));
    format!(
        "{:<NAME$}{:>6}{:>7.4}{:>14}{:>8.4}{:>24}{:>7}{:>8}",
        cut(&method.name, NAME - 1),
        figures.auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.3}")),
        figures.brier,
        format!("{:.3} ({:.3})", figures.ece, figures.ece_if_perfect),
        figures.aiq,
        signed(&figures.gain),
        saved(1),
        saved(2)
    )
}

fn overall(report: &Report) -> String {
    let title = format!("mean over {} pools", report.verdicts.len());
    let mut text = format!("{title}\n{}\n{}", "=".repeat(title.len()), heading());
    for method in &report.overall {
        let (value, low, high) = method.gain;
        // A star where some pool never reaches that quality, as the mean is then over fewer.
        let saved = |index: usize| {
            let (_, saved, n_reached) = method.savings[index];
            let star = if n_reached < method.n_pools { "*" } else { "" };
            if n_reached == 0 { "-".to_owned() } else { format!("{:.1}%{star}", saved * 100.0) }
        };
        let _ = writeln!(
            text,
            "{:<NAME$}{:>6.3}{:>7.4}{:>14}{:>8.4}{:>24}{:>7}{:>8}",
            cut(&method.name, NAME - 1),
            method.auc,
            method.brier,
            format!("{:.3} ({:.3})", method.ece, method.ece_if_perfect),
            method.aiq,
            signed(&Interval { value, low, high }),
            saved(1),
            saved(2)
        );
    }
    if report.overall.iter().any(|method| method.savings.iter().any(|(_, _, n)| *n < method.n_pools)) {
        text.push_str("* some pool never reaches that quality; the mean is over the others\n");
    }
    text
}

fn replayed(policy: &PolicyVerdict) -> String {
    let mut text = format!("policy `{}` replayed: {}\n", cut(&policy.policy, 32), per_1000(policy.point));
    let best = cut(&policy.best_single, 40);
    let _ = writeln!(text, "  against {best}: quality {}", signed(&policy.quality_gain));
    let saving = policy.saving;
    let _ = writeln!(
        text,
        "  cost saved {} [{}, {}]; regret to the oracle {:.4}; RouterArena score {:.4}",
        percent(Some(saving.value)),
        percent(Some(saving.low)),
        percent(Some(saving.high)),
        policy.regret,
        policy.arena
    );
    let shares: Vec<String> = policy
        .traffic
        .iter()
        .take(4)
        .map(|(model, share)| format!("{:.0}% {}", share * 100.0, cut(model, 26)))
        .collect();
    let rest = policy.traffic.len().saturating_sub(4);
    let more = if rest > 0 { format!(", {rest} more") } else { String::new() };
    for (index, half) in shares.chunks(2).enumerate() {
        let lead = if index == 0 { "  traffic: " } else { "           " };
        let tail = if (index + 1) * 2 >= shares.len() { more.as_str() } else { "," };
        let _ = writeln!(text, "{lead}{}{tail}", half.join(", "));
    }
    if policy.n_refused > 0 {
        let _ = writeln!(text, "  {} prompts were refused", policy.n_refused);
    }
    text
}

fn place(name: &str, point: Point) -> String {
    format!("{:<43}{:>18.4}{:>10.4}", cut(name, 42), point.cost_usd * 1000.0, point.quality)
}

fn per_1000(point: Point) -> String {
    format!("quality {:.4} at ${:.4} per 1,000 requests", point.quality, point.cost_usd * 1000.0)
}

/// A difference with its interval.
pub(super) fn signed(interval: &Interval) -> String {
    format!("{:+.4} [{:+.3},{:+.3}]", interval.value, interval.low, interval.high)
}

/// A share in percent, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.filter(|share| share.is_finite()).map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0))
}

/// The text, cut to a width with a mark where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(2)).chain("..".chars()).collect()
}
