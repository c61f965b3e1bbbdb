//! The text that a Prometheus server reads, version 0.0.4 of its format: a help line, a type line, a line a series.

use std::fmt::Write;

use super::family::{Family, Word};
use super::list::{Facts, Kind};
use super::series::{Histogram, Series};

/// What the text is, for the header of an answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Adds one metric. A metric without series is left out: it has nothing to say yet.
pub(super) fn write(text: &mut String, family: &Family) {
    let all = family.all();
    if all.is_empty() {
        return;
    }
    let Facts { name, help, kind, .. } = family.facts;
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(text, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"));
    let _ = writeln!(text, "# TYPE {name} {}", kind.word());
    for (words, series) in all {
        let labels = labels(family.facts, &words);
        match &*series {
            Series::Counter(_) => line(text, name, &labels, None, &amount(family.facts, series.total())),
            Series::Gauge(gauge) => {
                let value = gauge.load(std::sync::atomic::Ordering::Relaxed);
                line(text, name, &labels, None, &value.to_string());
            }
            Series::Histogram(histogram) => distribution(text, family.facts, &labels, histogram),
        }
    }
}

/// Adds a gauge that is computed from others at the moment of asking.
pub(super) fn write_computed(text: &mut String, facts: &Facts, values: &[(Vec<Word>, f64)]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {}", facts.name, facts.help, facts.name, facts.kind.word());
    for (words, value) in values {
        line(text, facts.name, &labels(facts, words), None, &value.to_string());
    }
}

fn distribution(text: &mut String, facts: &Facts, labels: &str, histogram: &Histogram) {
    let Kind::Histogram(bounds) = facts.kind else { return };
    let cumulative = histogram.cumulative();
    let bucket = format!("{}_bucket", facts.name);
    for (bound, count) in bounds.iter().zip(&cumulative) {
        line(text, &bucket, labels, Some(&bound.to_string()), &count.to_string());
    }
    let count = cumulative.last().copied().unwrap_or(0).to_string();
    line(text, &bucket, labels, Some("+Inf"), &count);
    line(text, &format!("{}_sum", facts.name), labels, None, &amount(facts, histogram.sum()));
    line(text, &format!("{}_count", facts.name), labels, None, &count);
}

fn line(text: &mut String, name: &str, labels: &str, bound: Option<&str>, value: &str) {
    text.push_str(name);
    match (labels, bound) {
        ("", None) => {}
        (labels, None) => drop(write!(text, "{{{labels}}}")),
        ("", Some(bound)) => drop(write!(text, "{{le=\"{bound}\"}}")),
        (labels, Some(bound)) => drop(write!(text, "{{{labels},le=\"{bound}\"}}")),
    }
    let _ = writeln!(text, " {value}");
}

fn labels(facts: &Facts, words: &[Word]) -> String {
    let mut text = String::new();
    for (label, word) in facts.labels.iter().zip(words) {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{}=\"{}\"", label.name, escaped(word));
    }
    text
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// An integer of the metric in the unit that its name says.
#[expect(clippy::cast_precision_loss, reason = "a reader has a float anyway; exact below 2^53")]
pub(super) fn amount(facts: &Facts, whole: u64) -> String {
    if facts.unit > 1.0 { (whole as f64 / facts.unit).to_string() } else { whole.to_string() }
}
