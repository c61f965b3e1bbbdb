//! The words that courtesies, remarks and asides are made of. None of them says what a question is about; which of them may go
//! alone, and which only in company, is what the lists are for.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::faces::is_emoticon;
use crate::canon::{ANEW, BLANKS};

/// Words that carry a courtesy or a remark: a run of words at an end goes if one of these is in it.
const STRONG: &str = "\
please pls plz thanks thank thankyou thx ty appreciate appreciated grateful gratefully kindly hi hello hey hiya dear greetings \
regards sincerely cheers respectfully yours faithfully hard difficult tricky tough easy simple trivial \
urgent urgently asap important critical hurry router routing ignore breath sent deadline best \
strongest smartest biggest largest smallest cheapest expensive powerful frontier premium carefully careful accurate accurately help sorry \
excuse good luck lol haha hehe xoxo merci danke gracias grazie obrigado obrigada bitte arigato kudos tia bye obliged ciao howdy";

/// Words that may stand beside them.
const WEAK: &str = "\
a an the this that it its is are was be been being am i i'm im i've i'd you you're your me my mine we us our and or but so very \
much many really extremely super quite pretty too most more lot lots of in on to for from with by advance again there everyone \
everybody all folks team sir madam friend buddy mate assistant bot ai chatbot question questions problem problems task one ones \
thing request query quick brief little bit can could would will may might should shall do does did have has had need needs want \
wants hope hoping wish like love just any some now today tonight tomorrow morning afternoon evening soon possible possibly available as well doing how nice great wonderful \
day week weekend use using pick choose select route send give make sure take time think step steps deep breath ahead answer \
answering reply response model models llm kind warm sent iphone phone android mobile instructions instruction previous above \
below always never must only correctly correct right wrong small big large tiny strong weak fast slow good bad get got before \
because who which then work job school class colleague customer project exam homework teacher everything something anything \
nothing know knowing let helping helped if that's it's what's up bye goodbye see later looking forward hearing following output \
end done write go yourself believe idea ideas solve not no don't let's i'll you'll it'll per every each other at out tell asks \
asked asking says said ok okay hmm";

/// Words of an aside on how to answer, for whom, for what reward and by which model. A question may be about such a thing: these
/// go only with a whole sentence, or from a word that begins one.
const ASIDE: &str = "\
accurate advanced ai amigo assign answer answers penalized penalised anthropic appreciation assist attention awaiting beginner believe bet bless bonus boss brief \
briefly btw budget capable career category chain challenging chance chatgpt cheap check class classification classify claude clever complex \
complexity complicated concise concisely confidence correctness cost curious death deeply deepseek depends detail detailed \
dispatcher downgrade details difficulty dollars double-check doublecheck easiest edit effort einstein emergency english error errors escalate expert \
experts explain explanation explanations favor favour final fine flagship forward friend fun fyi gave gemini genius god gpt gpt-4 gpt-4.1 \
gpt-4o gpt-5 gpt4 grade graded grandmother grok hardest here's high hint homework honest honestly hope hours human i'm idea ideas info \
information interview introduction json kid know latex lazy let's letter letters level life life-and-death llama low markdown \
matters max maximum million minimum mistake mistakes mini mistral mobile mode moment money mother nice nobody note o1 o3 o4 ok okay \
openai option opus output override pay phd phd-level plain points precise precisely preference preferred pretend priority professional professor \
prompt provide provided q quality quickly qwen reading reason reasoning recheck reminder replying request require required \
requires respond reward sentence sentences serious seriously short shortly show skip smart so solve sonnet step-by-step stuck \
student students sup system test text that's think thinking thorough thoroughly thought thoughts tier tip tips tl;dr tldr top \
today's treat trust typo toughest trickiest ugh usd user verbose verify via warm-up warmup warning well wishes wondering world worth yo";

/// What a question is called in a label before it.
const NUMBERED: &[&str] =
    &["question", "problem", "exercise", "task", "item", "query", "request", "prompt", "q", "one"];

/// Greetings and the like: a clause with one of these goes from the beginning.
const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "hiya",
    "dear",
    "greetings",
    "good",
    "sorry",
    "excuse",
    "howdy",
    "ciao",
    "ok",
    "okay",
    "so",
    "hmm",
];

/// Behind one of these a courtesy is what is asked about: "the french word for thanks".
const MENTIONS: &[&str] = &[
    "for",
    "of",
    "by",
    "with",
    "word",
    "words",
    "say",
    "spell",
    "pronounce",
    "phrase",
    "called",
    "mean",
    "means",
    "or",
    "and",
];

/// What begins an aside behind an answer to choose from, where no sentence ends before it.
const STARTERS: &str = "\
double-check doublecheck check verify show explain respond reply answer think let's let give do don't use route select choose \
pick override classify every this i i'm i'll i've i'd im you're you'll my take treat awaiting here's that's tell difficulty \
priority note fyi btw urgent thanks write believe ps pretend provide";

/// Words that may stand in an aside and make none.
const COMPANIONS: &[&str] = &["what", "any"];

/// With one of these a number is a sum that somebody offers.
const OFFERS: &[&str] = &["tip", "reward", "bonus", "pay", "dollars"];

/// A closing sentence of one of these asks for nothing but a nod.
pub(super) const NODS: &[&str] = &["right", "ok", "okay", "yes", "correct", "deal", "huh", "eh", "agreed"];

/// Greetings and the like that are nothing else, wherever they stand: `hi` is an acid, and `hey` a word that answers quote.
pub(super) const GREETS: &[&str] = &[
    "hello",
    "hi there",
    "hello there",
    "hey there",
    "howdy",
    "greetings",
    "good morning",
    "good afternoon",
    "good evening",
    "good night",
    "good day",
    "goodbye",
    "bye",
    "excuse me",
    "no rush",
    "no hurry",
    "fingers crossed",
];

/// Who speaks or is spoken to, in an aside as anywhere.
const PERSONS: &[&str] = &["i", "i'm", "i've", "i'd", "i'll", "me", "my", "we", "our", "us", "you", "your", "you're"];

/// Pleas and thanks: no question ends with one of these, or hardly any.
const PLEAS: &[&str] = &[
    "please",
    "pls",
    "plz",
    "thanks",
    "thank",
    "thankyou",
    "thx",
    "ty",
    "tia",
    "cheers",
    "lol",
    "haha",
    "asap",
    "urgent",
    "urgently",
    "merci",
    "danke",
    "gracias",
    "grazie",
    "obrigado",
    "obrigada",
    "bitte",
    "arigato",
    "kudos",
    "xoxo",
    "appreciated",
];

/// What is done to a text that somebody gives.
const WORKS_ON_TEXT: &[&str] = &[
    "translate",
    "rewrite",
    "rephrase",
    "reword",
    "paraphrase",
    "summarise",
    "summarize",
    "proofread",
    "shorten",
    "condense",
    "correct",
    "extract",
    "render",
    "tag",
    "label",
    "rate",
    "judge",
    "replace",
    "soften",
    "edit",
    "polish",
    "fix",
    "convert",
    "turn",
    "reply",
    "respond",
    "classify",
    "transcribe",
    "put",
];

/// Those of them that mean nothing else.
const TRANSLATES: &[&str] =
    &["translate", "rewrite", "rephrase", "reword", "paraphrase", "summarise", "summarize", "proofread"];

/// After one of these a signature follows.
pub(super) const SIGN_OFFS: &[&str] = &[
    "regards",
    "sincerely",
    "cheers",
    "thanks",
    "yours",
    "faithfully",
    "best",
    "truly",
    "xoxo",
    "hugs",
    "peace",
    "obliged",
    "--",
    "-",
];

/// What may stand before a sign-off and goes with it.
pub(super) const SIGN_OFF_ADORNMENTS: &[&str] = &["kind", "warm", "best", "many", "with", "yours"];

/// Words that go from the beginning even where nothing sets them off.
const OPENERS: &[&str] = &["please", "pls", "plz", "kindly"];

/// The lists that a word is on, a bit for each.
type Lists = u8;

const ON_STRONG: Lists = 1;
const ON_WEAK: Lists = 2;
const ON_ASIDE: Lists = 4;
const ON_STARTERS: Lists = 8;
const ON_OTHERS: Lists = 16;

/// All words, so that one look tells all of a word. Hashed quickly: it is asked for each word at the ends of every prompt.
static LEXICON: LazyLock<HashMap<&str, Lists, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let mut lexicon = HashMap::default();
    for (words, list) in [(STRONG, ON_STRONG), (WEAK, ON_WEAK), (ASIDE, ON_ASIDE), (STARTERS, ON_STARTERS)] {
        words.split_whitespace().for_each(|word| *lexicon.entry(word).or_default() |= list);
    }
    PERSONS.iter().chain(COMPANIONS).for_each(|word| *lexicon.entry(word).or_default() |= ON_OTHERS);
    lexicon
});

/// Whether a bare word is on one of some lists.
fn is_on(word: &str, lists: Lists) -> bool {
    LEXICON.get(word).is_some_and(|on| on & lists != 0)
}

/// A word between blanks, and where it stands.
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    pub(crate) end: usize,
    /// It is the first of its line.
    pub(crate) opens: bool,
    /// It is the first of its line, or its writer began anew with it.
    pub(crate) begins: bool,
    /// What it is without signs around it, and the lists that this is on, once somebody has asked.
    known: OnceCell<(&'a str, Lists)>,
}

impl<'a> Word<'a> {
    pub(crate) fn core(&self) -> &'a str {
        self.known().0
    }

    fn known(&self) -> (&'a str, Lists) {
        *self.known.get_or_init(|| {
            let core = self.text.trim_matches(|c: char| !c.is_alphanumeric());
            // Of a tag with a value, such as `[difficulty: 10]` or `tier=premium`, the name.
            let tag = self.text.starts_with('[') && self.text.ends_with(']');
            let name = core.split_once('=').filter(|(name, _)| name.len() > 1);
            let name = name.or_else(|| core.split_once(':').filter(|_| tag));
            let core = name.map_or(core, |(name, _)| name);
            // What is quoted is spoken of, and what stands in code is no word.
            let quoted =
                self.text.starts_with(['\'', '\u{2018}']) || self.text.contains(['"', '\u{201c}', '\u{ab}', '`', '{']);
            let known = LEXICON.get(core).filter(|_| !quoted && !self.text.contains("))"));
            (core, known.copied().unwrap_or_default())
        })
    }

    pub(super) fn is_strong(&self) -> bool {
        self.known().1 & ON_STRONG != 0
    }

    pub(super) fn is_courtesy(&self) -> bool {
        let (core, on) = self.known();
        core.is_empty() && (is_emoticon(self.text) || !self.text.contains(is_meaningful_sign))
            || on & (ON_STRONG | ON_WEAK) != 0
    }

    /// It may stand in an aside.
    pub(super) fn is_meta(&self) -> bool {
        // `$a$` is a formula, and `a` an article.
        let is_formula = || self.text.contains(['\\', '^', '{', '}']) || self.text.matches('$').count() > 1;
        (self.known().1 != 0 || self.is_courtesy()) && !is_formula()
    }

    /// It makes an aside of the words around it.
    pub(super) fn tells(&self) -> bool {
        self.known().1 & (ON_STRONG | ON_ASIDE) != 0 || self.text.len() > 1 && self.is_flag()
    }

    /// It pleads or thanks, wherever it stands.
    pub(super) fn pleads(&self) -> bool {
        PLEAS.contains(&self.core())
    }

    /// It goes from the beginning though nothing sets it off.
    pub(super) fn opens_alone(&self) -> bool {
        let core = self.core();
        OPENERS.contains(&core) || GREETINGS.contains(&core) && self.text.ends_with([',', '!', '.'])
    }

    /// It greets, pleads or thanks.
    pub(super) fn greets(&self) -> bool {
        GREETINGS.contains(&self.core()) || self.pleads()
    }

    /// What comes next is spoken of.
    pub(super) fn mentions(&self) -> bool {
        MENTIONS.contains(&self.core())
    }

    /// It is what a question is called.
    pub(super) fn is_numbered(&self) -> bool {
        NUMBERED.contains(&self.core())
    }

    /// It asks for a text in other words, wherever it stands.
    pub(super) fn translates(&self) -> bool {
        TRANSLATES.contains(&self.core())
    }

    /// It asks for something to be done to a text.
    pub(super) fn works_on_text(&self) -> bool {
        WORKS_ON_TEXT.contains(&self.core())
    }

    /// It is the label of one of several answers to choose from, such as `b.` or `(c)`.
    pub(crate) fn labels(&self) -> bool {
        let label = self.text.trim_start_matches('(').strip_suffix(['.', ')', ':']);
        self.opens && label.is_some_and(|label| matches!(label.as_bytes(), [b'a'..=b'j' | b'0'..=b'9']))
    }

    pub(super) fn starts_aside(&self) -> bool {
        self.known().1 & ON_STARTERS != 0 || self.is_flag()
    }

    /// It is written like a switch of a command, or like a tag.
    pub(super) fn is_flag(&self) -> bool {
        let name = ["#", "@", "--"].iter().find_map(|mark| self.text.strip_prefix(mark));
        self.text == "--" || name.is_some_and(|name| name.starts_with(char::is_alphabetic))
    }

    pub(super) fn offers(&self) -> bool {
        OFFERS.contains(&self.core())
    }

    pub(super) fn is_sum(&self) -> bool {
        let core = self.core();
        core.starts_with(|c: char| c.is_ascii_digit())
            && core.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | 'k'))
    }
}

/// Whether a bare word of a note makes it one on how to route or answer.
pub(super) fn is_told(word: &str) -> bool {
    is_on(word, ON_STRONG | ON_ASIDE)
}

/// Whether a bare word may stand in such a note.
pub(super) fn is_tongue(word: &str) -> bool {
    is_on(word, Lists::MAX)
}

/// Signs that are content even where no letter stands beside them: formulas, blanks to fill in.
pub(super) fn is_meaningful_sign(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '<' | '>' | '_' | '{' | '}' | '[' | ']' | '$' | '\\' | '|' | '^' | '*' | '/' | '%' | '#' | '?'
    )
}

/// The words of a text, in order.
pub(crate) fn words_of(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut opens, mut begins) = (true, true);
    let mut at = 0;
    for part in text.split_inclusive(BLANKS) {
        let word = part.trim_end_matches(BLANKS);
        if !word.is_empty() {
            words.push(Word { text: word, at, end: at + word.len(), opens, begins, known: OnceCell::new() });
            (opens, begins) = (false, false);
        }
        opens |= part.ends_with('\n');
        begins |= part.ends_with(['\n', ANEW]);
        at += part.len();
    }
    words
}
