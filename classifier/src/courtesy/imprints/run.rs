//! Words at an end of a text that could be an imprint.

use crate::courtesy::made::{
    Make, is_digest, is_drawn, is_grade, is_on, is_ruler, is_stamp, is_switch, make_of, of_a_request,
};
use crate::courtesy::pointing::begins_question;
use crate::courtesy::words::Word;

/// What begins a comment. A `#` would be a heading.
const COMMENTS: [&str; 6] = ["//", "/*", "<!--", ";;", "::", "%%"];

/// What ends one that stands within a line.
const COMMENT_ENDS: [&str; 2] = ["*/", "-->"];

/// What encloses an imprint.
const BRACKETS: [(char, char); 4] = [('[', ']'), ('{', '}'), ('(', ')'), ('<', '>')];

/// What holds several things.
const HOLDERS: [(char, char); 2] = [('[', ']'), ('{', '}')];

/// What a line of a log may begin with.
const LOGS: &str = "jan feb mar apr may jun jul aug sep oct nov dec info warn debug error";

/// What a log says of trouble is what somebody asks about.
const TROUBLE: &str = "cannot denied error exception fail failed failure fatal invalid panic refused traceback warning";

/// Somebody speaks of what stands beside one of these.
const SPEAKING: &str = "and are do does has have if in is or versus vs was with";

/// Words in a row, and who wrote each.
#[derive(Clone, Copy)]
pub(super) struct Run<'w, 't> {
    words: &'w [Word<'t>],
    makes: &'w [Make],
}

/// Who wrote each of some words.
pub(super) fn makes_of(words: &[Word<'_>]) -> Vec<Make> {
    words.iter().map(|word| make_of(word.text)).collect()
}

impl<'w, 't> Run<'w, 't> {
    pub(super) fn of(words: &'w [Word<'t>], makes: &'w [Make]) -> Self {
        Self { words, makes }
    }

    /// So many of its words, from its beginning.
    pub(super) fn first(self, n: usize) -> Self {
        Self { words: &self.words[..n], makes: &self.makes[..n] }
    }

    /// So many of its words, up to its end.
    pub(super) fn last(self, n: usize) -> Self {
        let from = self.words.len() - n;
        Self { words: &self.words[from..], makes: &self.makes[from..] }
    }

    /// Whether there is anything to look for: most texts end here.
    pub(super) fn may_have_imprints(self) -> bool {
        self.makes.contains(&Make::Made) || self.words.iter().any(begins_comment)
    }

    /// Whether these words are an imprint: a comment, or one surely is of a machine, and at least half of them could be.
    pub(super) fn is_imprint(self) -> bool {
        if !self.is_closed_comment() && self.words.iter().any(is_asked)
            || self.draws()
            || self.is_document()
            || self.is_command()
            || self.is_torn()
        {
            return false;
        }
        let first = self.words[0].text;
        // A program that begins to speak may go on in words; elsewhere these are of somebody who speaks of an imprint.
        let logs = is_stamp(first) || is_ruler(first);
        let likely = self.makes.iter().filter(|make| **make != Make::Plain).count();
        let enclosed = self.words.len() > 2 && is_ruler(first) && is_ruler(self.words[self.words.len() - 1].text);
        let enough = enclosed || if logs { 3 * likely >= self.words.len() } else { 2 * likely >= self.words.len() };
        let spoken_of = |word: &Word<'_>| is_on(TROUBLE, word.core()) || !logs && is_on(SPEAKING, word.text);
        let begins = self.makes[0] != Make::Plain || self.makes.get(1) == Some(&Make::Made) || self.begins();
        let ends = logs || self.makes.iter().rev().take(2).any(|make| *make != Make::Plain);
        let told = self.makes.contains(&Make::Made) && enough && begins && ends;
        // Without a sign of a machine somebody may ask in a comment.
        let comments =
            self.is_closed_comment() || self.is_comment() && likely > usize::from(self.makes[0] != Make::Plain);
        comments || told && !self.words.iter().any(spoken_of)
    }

    /// Whether its first words are such as an imprint begins with.
    pub(super) fn begins(self) -> bool {
        let first = &self.words[0];
        self.makes[0] == Make::Made || self.is_comment() || of_a_request(first.core()) || is_on(LOGS, first.text)
    }

    /// Whether it can be seen where an imprint ends, though no sign stands there: the question begins as questions do, a bracket closes,
    /// there is more than one setting of which somebody could speak, or a digest, which nobody begins a sentence with.
    pub(super) fn ends_by_itself(self, next: &Word<'_>) -> bool {
        let end = self.words.len() - 1;
        let last = self.words[end].text;
        let value = end > 0 && self.makes[end - 1] == Make::Made && self.words[end - 1].text.ends_with(':');
        let ends = value || self.makes[end] == Make::Made && last.matches('"').count().is_multiple_of(2);
        let asks = begins_question(next.core()) && (ends || self.makes[end] == Make::Likely);
        let speaks = is_on(SPEAKING, next.core()) || make_of(next.text) != Make::Plain;
        let several = self.makes.iter().filter(|make| **make == Make::Made).count() > 1;
        let several = several && (ends || last.contains('=') || last.ends_with(')'));
        let digest = self.words.len() == 1 && is_digest(last);
        let alone = self.is_bracketed() || several || digest || ends && (is_ruler(last) || is_grade(last));
        asks || self.is_closed_comment() || alone && !speaks
    }

    /// Whether a line begins with it.
    pub(super) fn opens(self) -> bool {
        self.words[0].opens
    }

    /// Whether it is a ruler and nothing else.
    pub(super) fn is_ruler(self) -> bool {
        matches!(self.words, [word] if is_ruler(word.text))
    }

    /// Whether it ends with a ruler that comes again in what follows: what two of them enclose is a document.
    pub(super) fn encloses(self, text: &str) -> bool {
        self.words.last().is_some_and(|word| is_ruler(word.text) && text.contains(word.text))
    }

    /// Whether it draws on where these words end: several rulers are a drawing.
    pub(super) fn draws_on(self, before: &Word<'_>) -> bool {
        let first = self.words[0].text;
        is_ruler(first) && first.chars().next().is_some_and(|sign| before.text.ends_with(sign))
    }

    /// Lines of which one is of nobody in particular: settings of a program, a change of a file.
    fn is_document(self) -> bool {
        let mut lines = self.words.chunk_by(|_, next| !next.opens);
        self.words.iter().filter(|word| word.opens).count() > 1
            && lines.any(|line| line.iter().all(|word| make_of(word.text) != Make::Made))
    }

    /// A program and its switches.
    fn is_command(self) -> bool {
        let switches = |word: &Word<'_>| is_switch(word.text);
        !switches(&self.words[0]) && self.words.iter().any(switches)
    }

    /// Half of what brackets hold, a list of tools for instance: the other half is in the rest.
    fn is_torn(self) -> bool {
        let n_of = |sign: char| self.words.iter().map(|word| word.text.matches(sign).count()).sum::<usize>();
        HOLDERS.iter().any(|(open, close)| n_of(*open) != n_of(*close))
    }

    /// Rulers line by line, however short.
    fn draws(self) -> bool {
        self.words.iter().filter(|word| word.opens && is_drawn(word.text)).count() > 1
    }

    /// A stamp in brackets begins a line of a log.
    fn is_bracketed(self) -> bool {
        let (first, last) = (self.words[0].text, self.words[self.words.len() - 1].text);
        let encloses = |(open, close): &(char, char)| first.starts_with(*open) && last.ends_with(*close);
        self.makes.contains(&Make::Made)
            && BRACKETS.iter().any(encloses)
            && !self.words.iter().any(|word| is_stamp(word.text))
    }

    pub(super) fn is_comment(self) -> bool {
        begins_comment(&self.words[0])
    }

    /// Whether it is a comment whose end can be seen.
    pub(super) fn is_closed_comment(self) -> bool {
        self.is_comment()
            && self.words.last().is_some_and(|word| COMMENT_ENDS.iter().any(|end| word.text.ends_with(end)))
    }

    /// Whether it is a comment by a sign that the rest has, too, where it may mean anything.
    pub(super) fn comments_again(self, rest: &[Word<'_>]) -> bool {
        self.is_comment() && rest.iter().any(|word| word.text == self.words[0].text)
    }
}

fn begins_comment(word: &Word<'_>) -> bool {
    COMMENTS.iter().any(|mark| word.text.starts_with(mark))
}

/// What an imprint does not have: a question, a formula, code, a list of things, the label of an answer.
fn is_asked(word: &Word<'_>) -> bool {
    // Behind it the parameters of an address follow.
    let text = word.text.strip_prefix('?').filter(|rest| rest.contains('=')).unwrap_or(word.text);
    let formula = text.contains(['?', '\\', '$', '^']);
    let dots = text.bytes().all(|byte| byte == b'.');
    // Between two stamps it is of a subtitle.
    let points = text == "-->";
    // Several things are given to work on, or with, as tools are.
    let lists = text.contains("[{") || text.contains("},{");
    formula || lists || calls(text) || dots || points || text.contains("\"\"\"") || word.labels()
}

/// `f(x)`: brackets behind a letter.
fn calls(word: &str) -> bool {
    word.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1] == b'(')
}
