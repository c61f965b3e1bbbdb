//! Hard wraps: line breaks that an editor or a mail program put into prose when the line was full. They are layout, and every word
//! behind one would otherwise begin a line.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Widths at which prose is wrapped, in characters. A text with a longer line is not wrapped, and one without a line of the least may
/// have short lines for a reason.
const WIDTHS: std::ops::RangeInclusive<usize> = 50..=120;

/// Lines of prose have so many words at least.
const MIN_WORDS: usize = 5;

/// Of a hundred characters of prose so many are letters or blanks.
const LETTERS_OF_100: usize = 80;

/// Words of a name in front of a line, at most: "Sentence B:".
const LABEL_WORDS: usize = 3;

/// What lines of their own begin with: quotations, tables, headings, points, comments, code.
const MARKS: [char; 16] = ['>', '|', '#', '-', '*', '\u{2022}', '+', '/', '{', '}', '(', '[', '<', '"', '`', '='];

/// The text with its hard wraps turned into blanks; borrowed where it has none.
pub(super) fn rejoined(text: &str) -> Cow<'_, str> {
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    if lines.len() < 2 {
        return Cow::Borrowed(text);
    }
    let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
    let width = widths.iter().copied().max().unwrap_or_default();
    if !WIDTHS.contains(&width) {
        return Cow::Borrowed(text);
    }
    // Breaks behind prose, where the next line is none of its own, and whether that line's first word had no room before them.
    let is_full = |at: usize| {
        let first = lines[at + 1].split(' ').next().unwrap_or_default();
        widths[at] + 1 + first.chars().count() > width
    };
    let could_go_on = |at: &usize| is_prose(lines[*at]) && !begins_own_line(lines[*at + 1]);
    let breaks: Vec<usize> = (0..lines.len() - 1).filter(could_go_on).collect();
    let full: BTreeSet<usize> = breaks.iter().copied().filter(|at| is_full(*at)).collect();
    // The longest line is always full: one such break tells only where it stands within a sentence.
    let told = full.len() > 1 || full.first().is_some_and(|at| goes_on(lines[*at], lines[*at + 1]));
    let told = told && full.len() * 2 > breaks.len();
    if !told {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    for (at, line) in lines.iter().enumerate() {
        joined.push_str(line);
        if at + 1 < lines.len() {
            joined.push(if full.contains(&at) { ' ' } else { '\n' });
        }
    }
    Cow::Owned(joined)
}

fn is_prose(line: &str) -> bool {
    let n = line.chars().count();
    let plain = line.chars().filter(|c| c.is_alphabetic() || *c == ' ').count();
    plain * 100 >= n * LETTERS_OF_100 && line.split(' ').filter(|word| !word.is_empty()).count() >= MIN_WORDS
}

/// Whether a line stands by itself: it is empty, indented, marked, numbered or named.
fn begins_own_line(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    let is_empty = first.is_empty();
    let is_label =
        first.ends_with([')', '.', ':']) && first.chars().count() <= 4 && !first.starts_with(char::is_lowercase);
    let names =
        line.starts_with(char::is_uppercase) && line.split(' ').take(LABEL_WORDS).any(|word| word.ends_with(':'));
    is_empty || line.starts_with(char::is_whitespace) || line.starts_with(MARKS) || is_label || names
}

/// Whether the sentence goes on behind the break.
fn goes_on(line: &str, next: &str) -> bool {
    line.ends_with(|c: char| c.is_alphabetic() || c == ',') && next.starts_with(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    //! Letters as they are typed and as they are sent, and what has lines of its own.

    use super::rejoined;

    const LETTER: &str = "The harbour master keeps a list of every ship that came in last winter, and of what each of them \
carried. Of the ships 14 carried salt, and twice as many carried timber. How many of the 60 ships on his list carried neither of the \
two?";

    fn wrapped(text: &str, width: usize) -> String {
        let (mut form, mut n) = (String::new(), 0);
        for word in text.split(' ') {
            let taken = word.chars().count();
            if n > 0 && n + 1 + taken > width {
                form.push('\n');
                n = 0;
            } else if n > 0 {
                form.push(' ');
                n += 1;
            }
            form.push_str(word);
            n += taken;
        }
        form
    }

    #[test]
    fn wherever_prose_is_wrapped_it_is_the_same() {
        for width in [60, 72, 78, 80, 100] {
            let text = wrapped(LETTER, width);
            assert!(text.contains('\n') && rejoined(&text) == LETTER, "{width}: {}", rejoined(&text));
            let spaced = text.replace('\n', " \r\n");
            assert_eq!(rejoined(&spaced), LETTER, "{width}");
            let choices = format!("{text}\nA) Eighteen\nB) Forty-two\nC) Fifty");
            assert_eq!(rejoined(&choices), choices.replacen(&text, LETTER, 1), "{width}");
            let two = format!("{text}\n\n{text}");
            assert_eq!(rejoined(&two), format!("{LETTER}\n\n{LETTER}"), "{width}");
        }
    }

    #[test]
    fn what_has_lines_of_its_own_keeps_them() {
        for text in [
            "What does it print?\ndef total(values, rate):\n    return sum(value * rate for value in values)\n\nprint(total([1, 2], 3))",
            "Which of these statements about the tides of the northern sea is true?\nA) They rise twice a day\nB) Never",
            "The river is long and slow and runs through five old towns.\nName the towns in order.",
            "Sentence A: The dog that the cat bit ran.\nSentence B: The cat the dog had bitten ran.\nSentence C: The dog ran and the cat hid.",
            "name,born,died,town,trade,children,notes,source,page,line,by\nAnna,1810,1871,Riga,baker,3,none,parish,12,4,KL",
            "0.11 0.52 0.93 0.24 0.65 0.16 0.77 0.38 0.59 0.10 0.31\n0.21 0.62 0.03 0.34 0.75 0.26 0.87 0.48 0.69 0.20 0.41\n0.1",
            "You are given a word of small letters and a number of steps of which each swaps two letters.\nReturn the word that comes first after at most so many steps.\nEvery letter stands in it at most twice, and the word is no longer than a hundred letters.\nIt is certain that there is one.\nThe answer is read from standard input.",
            "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you",
            "One line only",
            "",
            "\n",
        ] {
            assert_eq!(rejoined(text), text);
        }
    }
}
