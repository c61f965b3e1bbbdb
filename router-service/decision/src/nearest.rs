//! What somebody probably meant: the known word nearest to an unknown one.

/// The known word nearest to `word`, if any is near enough to be worth naming: a slip of the hand away, or the word with more behind
/// it. Of equally near ones, the first wins.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    misspelt(word, known.clone()).or_else(|| shortened(word, known))
}

/// The shortest known word of which `word` is the beginning: the name of a model without its date. Of equally long ones the last in
/// the alphabet, which of dates is the latest.
fn shortened<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let goes_on = |known: &str| {
        let rest =
            known.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|_| &known[word.len()..]);
        rest.is_some_and(|rest| rest.starts_with(|next: char| !next.is_alphanumeric()))
    };
    let longer = known.into_iter().filter(|known| !word.is_empty() && goes_on(known));
    longer.max_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)))
}

fn misspelt<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |word: &str| word.to_lowercase().chars().take(MAX_COMPARED + 1).collect::<Vec<char>>();
    let word = letters(word);
    let mut best: Option<(usize, usize, &str)> = None;
    for candidate in known {
        let candidate_letters = letters(candidate);
        if word.len().max(candidate_letters.len()) > MAX_COMPARED {
            continue;
        }
        let distance = distance(&word, &candidate_letters);
        if best.is_none_or(|(least, _, _)| distance < least) {
            best = Some((distance, word.len().max(candidate_letters.len()), candidate));
        }
    }
    let (distance, n_letters, candidate) = best?;
    // A third of the letters wrong is still a slip; more is another word.
    (distance <= (n_letters / 3).max(1)).then_some(candidate)
}

/// Letters that are compared: a word longer than this is not a slip of the hand.
const MAX_COMPARED: usize = 64;

/// How many letters must be added, dropped, replaced or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + if a[i - 1] == b[j - 1] { 0 } else { 1 };
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    //! Slips of the hand that must be recognised, and words that must not be taken for one.

    use super::nearest;

    const KNOWN: [&str; 4] = ["quality_tolerance", "quality_floor", "mode", "fallback"];

    #[test]
    fn slips_find_their_word() {
        check("quality_tolerence", Some("quality_tolerance"));
        check("qualty_floor", Some("quality_floor"));
        check("moed", Some("mode"));
        check("Mode", Some("mode"));
        check("fall_back", Some("fallback"));
    }

    #[test]
    fn other_words_find_none() {
        check("temperature", None);
        check("", None);
        check("x", None);
        assert_eq!(nearest("ab", ["模型"]), None);
    }

    #[test]
    fn a_name_without_its_date_finds_the_latest_with_one() {
        let models = ["mini-2024-05-01", "mini-2024-07-18", "mini-large-2024-07-18", "minimal", "pro"];
        for (word, expected) in [
            ("mini", Some("mini-2024-07-18")),
            ("MINI", Some("mini-2024-07-18")),
            ("mini-large", Some("mini-large-2024-07-18")),
            ("min", None),
            ("模", None),
            ("minimul", Some("minimal")),
        ] {
            assert_eq!(nearest(word, models), expected, "{word}");
        }
    }

    #[test]
    fn a_word_too_long_to_be_a_slip_is_near_nothing() {
        let long = "m".repeat(200);
        assert_eq!(nearest(&long, KNOWN), None);
        assert_eq!(nearest("mode", [long.as_str(), "mode"]), Some("mode"));
    }

    #[test]
    fn nothing_known_finds_none() {
        assert_eq!(nearest("mode", []), None);
    }

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(nearest(word, KNOWN), expected);
    }
}
