//! Aligned text for people: a name and what there is to say about it. Numbers get thin groups, so that a million can be
//! told from a hundred thousand.

use std::fmt::Write;

/// Lines of a name and a text, the texts under one another.
#[derive(Default)]
pub(crate) struct Sheet {
    lines: Vec<(String, String)>,
}

impl Sheet {
    /// Adds a line.
    pub(crate) fn line(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.lines.push((name.into(), text.into()));
    }

    /// The lines, aligned.
    pub(crate) fn text(&self) -> String {
        let width = self.lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, what) in &self.lines {
            let line = format!("{name:width$}  {what}");
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

/// A count with its digits in groups of three.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    //! What people see is aligned and grouped.

    use super::{Sheet, count};

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn texts_stand_under_one_another() {
        let mut sheet = Sheet::default();
        sheet.line("rows", "7");
        sheet.line("models", "2");
        sheet.line("", "");
        assert_eq!(sheet.text(), "rows    7\nmodels  2\n\n");
    }
}
