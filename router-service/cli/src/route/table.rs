//! A decision as a person reads it in a glance: who was chosen and why on top, then everybody in the order of preference, then who
//! may not serve. Numbers stand under numbers. Colours are always in the text; the terminal's stream takes them out where they
//! do not belong.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use decision::{Candidate, ModelId};
use router_service::outcome_log::{ForecastLine, forecast_lines};

use crate::router::{Answer, Router, standing_words};

/// Models that are shown of each kind, unless somebody asks for all: what fits a screen.
const SHOWN: usize = 8;

const BOLD: Style = Style::new().bold();
const CHOSEN: Style = AnsiColor::Green.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// One line of the table.
struct Row<'a> {
    mark: &'static str,
    model: &'a str,
    cells: [String; 4],
    note: String,
    style: Style,
}

const TITLES: [&str; 4] = ["quality", "at least", "tokens", "cost"];

/// The whole text. With `all`, every model and everything else there is to know.
pub(super) fn text(router: &Router, answer: &Answer<'_>, all: bool) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail, here and below.
    match &answer.outcome {
        Ok(decision) => {
            let _ = writeln!(text, "{CHOSEN}{}{CHOSEN:#}", decision.model());
            let _ = writeln!(text, "{} (policy `{}`)\n", decision.reason, decision.policy);
        }
        Err(refusal) => drop(writeln!(text, "{BOLD}nobody{BOLD:#}\n{refusal}\n")),
    }
    let rows = rows(answer, all);
    table(&mut text, &rows);
    let n_hidden = answer.candidates.all().len() - rows.len();
    if n_hidden > 0 {
        let _ = writeln!(text, "{FAINT}  and {n_hidden} more; --explain shows all{FAINT:#}");
    }
    if all {
        explain(&mut text, router, answer);
    }
    text
}

fn rows<'a>(answer: &'a Answer<'a>, all: bool) -> Vec<Row<'a>> {
    let lines = forecast_lines(&answer.candidates, &answer.evidence);
    let line = |model: &ModelId| {
        let place = answer.candidates.all().binary_search_by(|candidate| candidate.model.cmp(model)).ok()?;
        Some((&answer.candidates.all()[place], &lines[place]))
    };
    let shown = if all { usize::MAX } else { SHOWN };
    let ranked = answer.outcome.as_ref().map(|decision| decision.ranked.as_slice()).unwrap_or_default();
    let eligible = ranked.iter().filter_map(line).enumerate().take(shown).map(|(place, (candidate, line))| {
        let (mark, style) = if place == 0 { ("> ", CHOSEN) } else { ("  ", Style::new()) };
        row(mark, style, candidate, line)
    });
    let is_ranked = |candidate: &Candidate| ranked.contains(&candidate.model);
    let others = answer.candidates.all().iter().zip(&lines).filter(|(candidate, _)| !is_ranked(candidate));
    let others = others.take(shown).map(|(candidate, line)| row("  ", FAINT, candidate, line));
    eligible.chain(others).collect()
}

fn row<'a>(mark: &'static str, style: Style, candidate: &'a Candidate, line: &ForecastLine<'_>) -> Row<'a> {
    let known = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let cells = [
        known(line.quality.map(|quality| format!("{quality:.4}"))),
        known(line.quality_low.map(|quality| format!("{quality:.4}"))),
        known(line.completion_tokens.map(|tokens| tokens.to_string())),
        known(line.cost_usd.map(|_| candidate.cost.to_string())),
    ];
    let note = candidate.exclusion.as_ref().map(ToString::to_string).unwrap_or_default();
    Row { mark, model: candidate.model.as_str(), cells, note, style }
}

fn table(text: &mut String, rows: &[Row<'_>]) {
    let width =
        |of: &dyn Fn(&Row<'_>) -> usize, title: &str| rows.iter().map(of).max().unwrap_or(0).max(title.chars().count());
    let names = width(&|row| row.model.chars().count(), "model");
    let widths: Vec<usize> =
        (0..TITLES.len()).map(|place| width(&|row| row.cells[place].chars().count(), TITLES[place])).collect();
    let mut head = format!("  {:names$}", "model");
    for (title, width) in TITLES.iter().zip(&widths) {
        let _ = write!(head, "  {title:>width$}");
    }
    let _ = writeln!(text, "{BOLD}{head}{BOLD:#}");
    for Row { mark, model, cells, note, style } in rows {
        let mut line = format!("{mark}{model:names$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "  {cell:>width$}");
        }
        let _ = writeln!(text, "{style}{}{style:#}", format!("{line}  {note}").trim_end());
    }
}

fn explain(text: &mut String, router: &Router, answer: &Answer<'_>) {
    let _ = writeln!(text);
    if let Ok(decision) = &answer.outcome {
        for flip in &decision.flips {
            let _ = writeln!(text, "  {flip}");
        }
        if let Some(runner_up) = decision.runner_up() {
            let _ = writeln!(text, "  `{runner_up}` answers if `{}` fails", decision.model());
        }
        let standings = router.classifier.standings();
        if let Some((_, standing)) = standings.iter().find(|(model, _)| *model == decision.model()) {
            let _ = writeln!(text, "  `{}` is {}", decision.model(), standing_words(standing));
        }
        let _ = writeln!(text, "  chosen with probability {}", decision.propensity());
    }
    let _ = writeln!(text, "{FAINT}  policy {} {}", answer.policy.name(), answer.policy.version());
    let _ = writeln!(text, "  artifact {}{FAINT:#}", router.classifier.artifact().digest());
}
