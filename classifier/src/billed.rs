//! How many tokens a provider would bill for a text whose size nobody told. Providers split text by much the same rule: words
//! with the character before them, numbers by three digits, marks, white space. They differ in how they cut long words. So the
//! rule is followed here to the letter, and a word counts what such words take on average: no vocabulary has to be loaded, and
//! the count of English or of source code is within a few hundredths of one by a vocabulary (`docs/forwarding.md`).

/// Beyond this many bytes a text is taken to go on as it began: a count must not cost more than a forecast.
const MAX_COUNTED_BYTES: usize = 128 * 1024;

/// Hundredths of a token.
type Share = u64;

/// A whole token.
const ONE: Share = 100;

/// What a letter of English takes in a word that has other letters too.
const AMONG_FOREIGN: Share = 30;

/// The tokens of a text: at least one, unless it is empty.
pub fn billed_tokens(text: &str) -> u64 {
    let counted = text.floor_char_boundary(MAX_COUNTED_BYTES);
    let shares = Count::of(&text[..counted]);
    let whole = u128::from(shares) * text.len() as u128 / counted.max(1) as u128;
    let nearest = u64::try_from(whole + u128::from(ONE / 2)).unwrap_or(u64::MAX) / ONE;
    nearest.max(u64::from(!text.is_empty()))
}

/// The size of a text in the unit of the outcomes that forecasts are learned from, a quarter of its characters, so that a prompt
/// and the answer forecast for it are priced alike. Other alphabets than theirs take what vocabularies take.
pub(crate) fn forecast_unit(text: &str) -> u64 {
    let share = |c: char| match beyond_ascii(c) {
        Class::Foreign(share) | Class::Sign(share) => Share::from(share).max(QUARTER),
        _ => QUARTER,
    };
    let shares: Share = match text.is_ascii() {
        true => text.len() as u64 * QUARTER,
        false => text.chars().map(|c| if c.is_ascii() { QUARTER } else { share(c) }).sum(),
    };
    shares.div_ceil(ONE)
}

/// A quarter of a token.
const QUARTER: Share = ONE / 4;

/// What a character is to the rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    /// A letter that the alphabet of English lacks, and what it takes.
    Foreign(u8),
    Digit,
    Space,
    Break,
    Mark,
    /// A picture or another rare sign, and what it takes.
    Sign(u8),
}

impl Class {
    fn is_letter(self) -> bool {
        matches!(self, Self::Lower | Self::Upper | Self::Foreign(_))
    }

    fn is_white(self) -> bool {
        matches!(self, Self::Space | Self::Break)
    }

    fn is_mark(self) -> bool {
        matches!(self, Self::Mark | Self::Sign(_))
    }
}

/// The classes of ASCII, looked up: nearly all text is of these.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Mark; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' => Class::Digit,
            b'\n' | b'\r' => Class::Break,
            b' ' | b'\t' => Class::Space,
            _ => Class::Mark,
        };
        byte += 1;
    }
    classes
};

/// What letters take lies between two published vocabularies of 100,000 and 200,000 pieces, nearer to the larger, newer one.
fn beyond_ascii(c: char) -> Class {
    match c {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}' => Class::Space,
        '\u{80}'..='\u{bf}' | '\u{2010}'..='\u{206f}' | '\u{3001}'..='\u{303f}' | '\u{ff00}'..='\u{ff20}' => {
            Class::Mark
        }
        '\u{c0}'..='\u{24f}' => Class::Foreign(35),
        '\u{250}'..='\u{52f}' => Class::Foreign(36),
        '\u{530}'..='\u{8ff}' => Class::Foreign(38),
        '\u{2070}'..='\u{2bff}' => Class::Sign(100),
        '\u{3040}'..='\u{30ff}' => Class::Foreign(65),
        '\u{2e80}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => Class::Foreign(88),
        '\u{ac00}'..='\u{d7af}' => Class::Foreign(72),
        '\u{10000}'.. => Class::Sign(200),
        _ => Class::Foreign(43),
    }
}

/// What stands right before a word and belongs to its first token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Space,
    Mark,
    Nothing,
}

/// A pass over a text.
struct Count<'a> {
    text: &'a str,
    at: usize,
    before: Before,
}

impl<'a> Count<'a> {
    fn of(text: &'a str) -> Share {
        let mut count = Self { text, at: 0, before: Before::Nothing };
        let mut sum = 0;
        while let Some((class, _)) = count.peek() {
            let before = std::mem::replace(&mut count.before, Before::Nothing);
            sum += match class {
                Class::Lower | Class::Upper | Class::Foreign(_) => count.word(before),
                Class::Digit => count.number(),
                Class::Space | Class::Break => count.white(before),
                Class::Mark | Class::Sign(_) => count.marks(before),
            };
        }
        sum
    }

    /// The class of the character that comes, and where it ends.
    fn peek(&self) -> Option<(Class, usize)> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if let Some(class) = ASCII.get(usize::from(byte)) {
            return Some((*class, self.at + 1));
        }
        let c = self.text[self.at..].chars().next()?;
        Some((beyond_ascii(c), self.at + c.len_utf8()))
    }

    fn next_if(&mut self, wanted: impl Fn(Class) -> bool) -> Option<Class> {
        let (class, end) = self.peek().filter(|(class, _)| wanted(*class))?;
        self.at = end;
        Some(class)
    }

    fn comes(&self, wanted: impl Fn(Class) -> bool) -> bool {
        self.peek().is_some_and(|(class, _)| wanted(class))
    }

    fn word(&mut self, before: Before) -> Share {
        let capital = self.comes(|class| class == Class::Upper);
        let (mut n_lower, mut n_upper, mut foreign) = (0, 0, 0);
        while let Some(class) = self.next_if(Class::is_letter) {
            match class {
                Class::Upper => n_upper += 1,
                Class::Foreign(share) => foreign += Share::from(share),
                _ => n_lower += 1,
            }
        }
        match foreign {
            0 => english(n_lower + n_upper, n_upper, capital, before),
            _ => (foreign + (n_lower + n_upper) * AMONG_FOREIGN).max(ONE),
        }
    }

    fn number(&mut self) -> Share {
        let mut n_digits = 0_u64;
        while self.next_if(|class| class == Class::Digit).is_some() {
            n_digits += 1;
        }
        n_digits.div_ceil(3) * ONE
    }

    /// Line breaks are one token with the white space before them, or part of the marks before. Of the spaces after them the
    /// last goes with what follows, unless that is a number.
    fn white(&mut self, before: Before) -> Share {
        let part_of_marks = before == Before::Mark && self.comes(|class| class == Class::Break);
        let (mut broken, mut n_spaces) = (false, 0_u64);
        while let Some(class) = self.next_if(Class::is_white) {
            (broken, n_spaces) = if class == Class::Break { (true, 0) } else { (broken, n_spaces + 1) };
        }
        let joins = n_spaces > 0 && self.comes(|class| class != Class::Digit);
        if joins {
            self.before = Before::Space;
        }
        let breaks = if broken && !part_of_marks { ONE } else { 0 };
        breaks + if n_spaces > u64::from(joins) { ONE } else { 0 }
    }

    /// A mark alone goes with the word after it. Of several, those that differ from the one before them count.
    fn marks(&mut self, before: Before) -> Share {
        let (mut n_marks, mut n_changes, mut signs, mut last) = (0_u64, 0_u64, 0, "");
        let mut start = self.at;
        while let Some(class) = self.next_if(Class::is_mark) {
            signs += if let Class::Sign(share) = class { Share::from(share) } else { 0 };
            let mark = &self.text[start..self.at];
            n_changes += u64::from(mark != last);
            (last, start, n_marks) = (mark, self.at, n_marks + 1);
        }
        let word_follows = self.comes(Class::is_letter);
        if n_marks == 1 && signs == 0 && before == Before::Nothing && word_follows {
            self.before = Before::Mark;
            return 0;
        }
        if !word_follows {
            self.before = Before::Mark;
        }
        let marks = ONE + n_changes.saturating_sub(MARKS_AT_ONCE) * FURTHER_MARK + n_marks / SAME_MARKS * ONE;
        marks.max(signs)
    }
}

/// Marks that one token often takes.
const MARKS_AT_ONCE: u64 = 3;

/// What each further one takes.
const FURTHER_MARK: Share = 55;

/// A line of the same mark takes a token for so many.
const SAME_MARKS: u64 = 16;

/// What words of English and of source code take on average, by their length, their case and what stands before them.
fn english(length: u64, n_upper: u64, capital: bool, before: Before) -> Share {
    let beyond = |free: u64, each: Share| length.saturating_sub(free) * each;
    let plain = n_upper == 0 || (n_upper == 1 && capital);
    match (plain, before) {
        (true, Before::Space) => ONE + beyond(6, 5) + beyond(10, 12),
        (true, Before::Nothing) => ONE + beyond(3, 5) + beyond(6, 10),
        (true, Before::Mark) => ONE + beyond(2, 8) + beyond(5, 7),
        (false, _) if n_upper == length => ONE + beyond(2, 18),
        (false, _) => ONE + beyond(2, 12),
    }
}

#[cfg(test)]
mod tests {
    //! Counts beside those of two published vocabularies.

    use proptest::prelude::*;

    use super::{MAX_COUNTED_BYTES, billed_tokens, forecast_unit};

    /// Our own texts, and how many tokens the vocabularies `cl100k_base` and `o200k_base` make of them.
    const TEXTS: &[(&str, u64, u64)] = &[
        (
            "The harbour master keeps a list of every ship that came in last winter, and of what each of them carried.",
            23,
            23,
        ),
        (
            "If 3 workers lay 1,250 bricks in 4.5 hours, how many bricks do 7 workers lay in 9 hours? Show each step.",
            34,
            34,
        ),
        (
            "Which of the following statements is true?\nA) Entropy never decreases in an isolated system.\nB) Heat flows from cold to warm.\nC) Neither.",
            32,
            32,
        ),
        (
            "fn longest<'a>(words: &[&'a str]) -> Option<&'a str> {\n    words.iter().copied().max_by_key(|word| word.len())\n}\n",
            38,
            38,
        ),
        (
            "def moving_average(values, window=5):\n    if window <= 0:\n        raise ValueError(\"window must be positive\")\n    return [sum(values[i:i + window]) / window for i in range(len(values) - window + 1)]\n",
            50,
            51,
        ),
        (
            "{\"name\": \"book_table\", \"parameters\": {\"type\": \"object\", \"properties\": {\"guests\": {\"type\": \"integer\", \"minimum\": 1}}, \"required\": [\"guests\"]}}",
            43,
            43,
        ),
        (
            "SELECT customer_id, COUNT(*) AS n FROM orders WHERE created_at >= '2024-01-01' GROUP BY customer_id HAVING COUNT(*) > 3;",
            34,
            34,
        ),
        ("Let f(x) = x^2 - 4x + 3. Find all x in [0, 5] such that f(x) <= 0, and compute \\int_1^3 f(x) dx.", 48, 48),
        (
            "THE COURT FINDS: (1) the LICENSEE failed to give notice; (2) getUserName() and parseHttpHeader() are NOT covered.",
            31,
            33,
        ),
        ("Der Hafenmeister führt eine Liste aller Schiffe, die im letzten Winter eingelaufen sind.", 22, 18),
        ("Le capitaine du port tient une liste de tous les navires arrivés l'hiver dernier.", 21, 19),
        ("Начальник порта ведёт список всех кораблей, которые пришли прошлой зимой.", 30, 19),
        ("港口主管保存着去年冬天到港的每一艘船的名单。", 27, 19),
        ("港長は去年の冬に入港したすべての船の一覧を持っています。", 31, 21),
        ("يحتفظ مدير الميناء بقائمة بكل السفن التي وصلت في الشتاء الماضي.", 41, 19),
        ("Well done 🎉🚀 — that is 40 € less than last year…", 19, 17),
    ];

    #[test]
    fn a_count_is_near_to_what_vocabularies_count() {
        for (text, older, newer) in TEXTS {
            let counted = billed_tokens(text) as f64;
            let (low, high) = (older.min(newer), older.max(newer));
            let near = 0.88 * *low as f64 - 1.0..=1.12 * *high as f64 + 1.0;
            assert!(near.contains(&counted), "{text}: expected {low} to {high}, found {counted}");
        }
    }

    #[test]
    fn english_and_source_code_are_counted_within_a_twentieth_in_all() {
        let plain = TEXTS.iter().filter(|(text, _, _)| text.is_ascii());
        let (counted, newer) = plain.fold((0, 0), |sum, (text, _, newer)| (sum.0 + billed_tokens(text), sum.1 + newer));
        let ratio = counted as f64 / newer as f64;
        assert!((0.95..=1.05).contains(&ratio), "{counted} for {newer}");
    }

    #[test]
    fn forecasts_count_in_quarters_of_characters_but_no_alphabet_is_taken_for_small() {
        assert_eq!(forecast_unit("Which lever?"), 3);
        assert_eq!(forecast_unit("naïve café"), 3);
        for (text, older, newer) in TEXTS.iter().filter(|(text, _, _)| text.chars().all(|c| !c.is_ascii_alphabetic())) {
            let counted = forecast_unit(text);
            assert!(counted * 10 >= newer * 9 && counted <= 2 * older, "{text}: {counted}");
        }
    }

    #[test]
    fn a_stream_of_tokens_counts_as_many_as_it_has() {
        let tokens = ["The", " quick", " answer", " is", ":", " ", "42", ",", " and", "\n\n", "nothing", " else", "."];
        assert_eq!(tokens.iter().map(|token| billed_tokens(token)).sum::<u64>(), 13);
        assert_eq!(billed_tokens(""), 0);
    }

    #[test]
    fn a_text_beyond_the_limit_goes_on_as_it_began() {
        let page = "Some words, (and marks); 1234 numbers.\n".repeat(MAX_COUNTED_BYTES / 39);
        let ratio = billed_tokens(&page.repeat(9)) as f64 / billed_tokens(&page) as f64;
        assert!((8.9..=9.1).contains(&ratio), "{ratio}");
    }

    proptest! {
        #[test]
        fn no_text_has_more_tokens_than_bytes_or_none(text in "\\PC{1,40}|[ \\n\\t=._a-zA-Z0-9é世😀-]{1,60}") {
            let counted = billed_tokens(&text);
            prop_assert!(counted >= 1 && counted <= text.len() as u64, "{counted} for {} bytes", text.len());
        }
    }
}
