//! What numbers say: bounds of a contest problem, options that are numbers, years, lists.

use super::shape::{View, numbers_of};
use super::{count, log};

/// How many numbers [`push`] adds.
pub(super) const COUNT: usize = 15;

/// Beyond this a number is as large as any: one of forty digits is infinite, and what is reckoned with it no number.
const LARGEST: f32 = 1e30;

pub(super) fn push(view: &View<'_>, values: &mut Vec<f32>) {
    push_bounds(view, values);
    push_small(view, values);
    push_options(view, values);
    push_lists(view, values);
}

/// Powers of ten and upper bounds: how large the inputs of a task may get.
fn push_bounds(view: &View<'_>, values: &mut Vec<f32>) {
    let exponents: Vec<f32> = exponents(view.text);
    let bounds: Vec<f32> = bounds(view.text);
    values.extend([
        exponents.iter().copied().fold(0.0, f32::max),
        exponents.iter().copied().reduce(f32::min).unwrap_or(0.0),
        count(exponents.len().min(20)),
        count(bounds.len().min(40)),
        log(bounds.iter().copied().fold(0.0, f32::max)),
        log(bounds.iter().copied().reduce(f32::min).unwrap_or(0.0)),
    ]);
}

/// The exponents of `10^5`, `10^{5}`, `10**5`.
fn exponents(text: &str) -> Vec<f32> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("10") {
        let rest = &text[at + 2..];
        let Some(rest) = rest.strip_prefix("**").or_else(|| rest.strip_prefix('^')) else { continue };
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(exponent) = rest[..digits].parse::<u8>().ok().filter(|exponent| *exponent < 30) {
            found.push(f32::from(exponent));
        }
    }
    found
}

/// The number after each `<=`, `≤`, `\le`, `\leq`.
fn bounds(text: &str) -> Vec<f32> {
    let mut found = Vec::new();
    for sign in ["<=", "≤", "\\leq", "\\le"] {
        for (at, _) in text.match_indices(sign) {
            let rest = text[at + sign.len()..].trim_start();
            let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b',').count();
            let plain: String = rest[..digits].chars().filter(|c| *c != ',').collect();
            let Ok(bound) = plain.parse::<f32>() else { continue };
            // `10^9` is a bound of a billion, whatever the exponent: its size is told by the exponents.
            let bound = if rest[digits..].starts_with('^') { 1e9 } else { bound };
            found.push(bound.min(1e9));
        }
    }
    found
}

/// Numbers of one or two digits, as in stories about apples.
fn push_small(view: &View<'_>, values: &mut Vec<f32>) {
    let small: Vec<f32> = view
        .numbers
        .iter()
        .filter(|number| number.len() <= 2)
        .take(50)
        .filter_map(|number| number.parse().ok())
        .collect();
    let mean = small.iter().sum::<f32>() / count(small.len().max(1));
    let years =
        view.numbers.iter().filter(|number| number.len() == 4 && matches!(&number[..2], "17" | "18" | "19" | "20"));
    values.extend([small.iter().copied().fold(0.0, f32::max), log(mean), log(count(years.count()))]);
}

/// Options that are numbers: how many, and how far apart.
fn push_options(view: &View<'_>, values: &mut Vec<f32>) {
    let first = |option: &&str| numbers_of(option).first()?.parse().ok();
    let numeric: Vec<f32> =
        view.options.iter().filter_map(first).map(|number: f32| number.clamp(-LARGEST, LARGEST)).collect();
    let spread = match (numeric.iter().copied().reduce(f32::max), numeric.iter().copied().reduce(f32::min)) {
        (Some(high), Some(low)) if numeric.len() > 1 => log(high - low),
        _ => -1.0,
    };
    values.extend([count(numeric.len()) / count(view.options.len().max(1)), spread]);
}

/// Lines that are points of a list.
fn push_lists(view: &View<'_>, values: &mut Vec<f32>) {
    let numbered = view.lines.iter().filter(|line| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && line[digits..].starts_with(['.', ')'])
    });
    let pointed = view.lines.iter().filter(|line| line.starts_with(['-', '*', '•']));
    let n_blanks = count(view.text.matches("___").count());
    let formulas = count(view.text.matches("\\frac").count());
    values.extend([count(numbered.count().min(60)), count(pointed.count().min(60)), n_blanks.min(10.0), log(formulas)]);
}
