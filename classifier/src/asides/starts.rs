//! What questions begin with. Behind an aside that no sign ends, one of these is to be expected.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Kinds of words that questions begin with.
pub(super) const N_KINDS: usize = 3;

/// A word that is of none of them.
pub(super) const NONE: [bool; N_KINDS] = [false; N_KINDS];

/// Words that ask.
const ASKING: &str = "\
what what's which how how's why who who's whose whom when where where's is are does";

/// Words that tell somebody what to do.
const TELLING: &str = "\
write find calculate compute determine describe explain identify solve evaluate consider suppose let given define list name \
prove show compare simplify estimate assume imagine discuss construct select complete translate summarise summarize rewrite \
convert suggest give make turn create draft design implement tell choose sort rank count classify express def fix plan use \
derive draw outline state";

/// Words that a story or a statement begins with.
const STATING: &str = "\
a an the in on at for if this there according as two three four one during after all to of from with each some under while \
by most using before every mr mrs john you statement question can do";

/// No question begins with one of these, or hardly any: what stands before them belongs to it.
const NEVER: &[&str] = &["and", "or", "but", "nor", "than", "that", "was", "were", "has", "had", "be", "been"];

/// The kind of each word. Hashed quickly: it is asked for each word at the ends of every prompt.
static KINDS: LazyLock<HashMap<&str, [bool; N_KINDS], foldhash::fast::RandomState>> = LazyLock::new(|| {
    let mut kinds = HashMap::default();
    for (kind, words) in [ASKING, TELLING, STATING].into_iter().enumerate() {
        words.split_whitespace().for_each(|word| kinds.entry(word).or_insert(NONE)[kind] = true);
    }
    kinds
});

/// Of each kind, whether this word is of it.
pub(super) fn kinds(word: &str) -> [bool; N_KINDS] {
    KINDS.get(word).copied().unwrap_or(NONE)
}

/// Whether a question hardly begins with this word.
pub(super) fn never_starts(word: &str) -> bool {
    NEVER.contains(&word)
}
