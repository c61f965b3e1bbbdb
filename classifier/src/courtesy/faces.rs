//! Faces and figures that are drawn in signs.

/// Signs that hardly anything but a face has, and letters of far scripts that faces are drawn with.
const DRAWN: &str = "\u{af}\u{203f}\u{2040}\u{2312}\u{25d5}\u{25c9}\u{25e1}\u{256f}\u{2570}\u{253b}\u{2533}\u{fe35}\u{fe36}\u{ff89}\u{ff9f}\
\u{ff61}\u{ff65}\u{30c4}\u{30b7}\u{30ce}\u{30fd}\u{30fb}\u{309c}\u{3065}\u{3063}\u{3064}\u{ca0}\u{1d25}\u{1d17}\u{295}\u{294}\u{296}\u{361}\u{35c}\
\u{25bd}\u{25bf}\u{2267}\u{2266}\u{ffe3}";

/// What may stand beside them, and elsewhere is a part of a formula or of a word.
const BESIDE: &str = "\u{b0}\u{b4}\u{2022}\u{25a1}\u{25cb}\u{25cf}\u{2501}\u{2500}\u{252c}\u{3c9}\u{3b5}\u{3c3}\u{434}\u{2200}\u{2661}\u{2665}\u{60}o";

/// Of two such eyes a face looks.
const EYES: [(char, char); 7] = [('^', '^'), ('>', '<'), ('-', '-'), ('o', 'o'), ('t', 't'), ('u', 'u'), ('x', 'x')];

/// Signs of an arm, at most.
const MAX_ARM: usize = 2;

/// A face of signs, such as `:)` or `;-)`, or a heart.
pub(super) fn is_emoticon(text: &str) -> bool {
    if matches!(text, "<3" | "^^" | "^_^") || is_named(text) {
        return true;
    }
    let mouth = text.strip_prefix([':', ';', '=']).map(|rest| rest.trim_start_matches(['-', '\'']));
    text == ":3" || matches!(mouth, Some(")" | "(" | "))" | ")))" | "d" | "p" | "/" | "|"))
}

/// A picture by its name: `:pray:`.
fn is_named(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).unwrap_or_default();
    name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A word that draws something: a shrug, a table that is turned over, a face with a mouth and arms.
pub(super) fn is_drawing(word: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_punctuation() || DRAWN.contains(c) || BESIDE.contains(c);
    let draws = word.chars().all(is_sign)
        && word.chars().any(|c| DRAWN.contains(c))
        && word.chars().count() > 1
        && !word.chars().all(char::is_alphanumeric);
    draws || looks(word) || matches!(word, "\\o/" | "\\o")
}

/// Two eyes, and a mouth between them: `(^_^)/`, `>.<`. Eyes that are letters could be of a formula, and look out of brackets.
fn looks(word: &str) -> bool {
    let bracketed = word.contains('(') && word.contains(')');
    // Arms and thumbs are out of the brackets.
    let inside = word.split_once('(').and_then(|(arm, rest)| {
        let (face, other) = rest.split_once(')')?;
        (arm.len() <= MAX_ARM && other.len() <= MAX_ARM).then_some(face)
    });
    let face = inside.unwrap_or(word).trim_matches(['\\', '/', '~', ';', '"', '=']);
    let mut between = face.chars();
    let (Some(left), Some(right)) = (between.next(), between.next_back()) else { return false };
    let mouth = between.as_str();
    let laughs = matches!(mouth, "_" | "__") || !left.is_alphabetic() && matches!(mouth, "." | "o");
    EYES.contains(&(left, right)) && laughs && (bracketed && word.starts_with('(') || !left.is_alphabetic())
}

#[cfg(test)]
mod tests {
    //! What is a face, and what is not.

    use super::{is_drawing, is_emoticon};

    #[test]
    fn faces_and_figures_are_told_from_formulas_and_words() {
        for face in [
            "\u{af}\\_(\u{30c4})_/\u{af}",
            "(\u{256f}\u{b0}\u{25a1}\u{b0})\u{256f}\u{fe35}",
            "\u{253b}\u{2501}\u{253b}",
            "\u{295}\u{2022}\u{1d25}\u{2022}\u{294}",
            "(\u{3065}\u{ff61}\u{25d5}\u{203f}\u{203f}\u{25d5}\u{ff61})\u{3065}",
            "\u{ca0}_\u{ca0}",
            "\u{35c}\u{296}",
            "(^_^)/",
            "d(^_^)b",
            ">.<",
            "-_-",
            "(o_o)",
            "(t_t)",
            "\\o/",
            "\\(^o^)/",
        ] {
            assert!(is_drawing(face) && !is_emoticon(face), "{face}");
        }
        for face in ["^_^", "^^", ":-)", ":3", "<3", ":pray:", ":thumbs_up:"] {
            assert!(is_emoticon(face), "{face}");
        }
        for other in [
            "90\u{b0}",
            "(\u{3c3})",
            "\u{3c9}_o",
            "*.*",
            "x_x",
            "(x.x)",
            "p(x_x)",
            "--",
            "->",
            "---",
            "\u{30c4}",
            "\u{3064}\u{3065}",
            "o_o",
            "::",
            ":a:",
            ":4:05:",
            "(\u{25cf})",
            "(-)",
            "^",
            "",
            "\u{2500}\u{2500}",
            "\u{25a1}",
        ] {
            assert!(!is_emoticon(other) && !is_drawing(other), "{other}");
        }
    }
}
