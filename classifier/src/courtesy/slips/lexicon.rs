//! The words that slips are made of. One look tells all that is known of a word: it is asked for words at both ends of every prompt.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The lists that a word is on, a bit for each.
pub(super) type Lists = u16;

/// What is counted. It may be written together with its number: `q7`.
pub(super) const COUNTED: Lists = 1;
/// What questions are worth, and what is said of those that are done.
pub(super) const WORTH: Lists = 1 << 1;
/// What may stand beside these.
pub(super) const WITH_COUNTS: Lists = 1 << 2;
/// Months, days of the week, and zones.
pub(super) const CALENDAR: Lists = 1 << 3;
/// What a date is said with.
pub(super) const WITH_DATES: Lists = 1 << 4;
/// What a sentence on the date begins with.
pub(super) const BEGINS_DATE: Lists = 1 << 5;
/// Headers of a mail.
pub(super) const HEADER: Lists = 1 << 6;
/// What an app tells of itself, of the device that it is on, and of who asks. Hardly anything else has such a name, an answer to choose
/// from included.
pub(super) const APP: Lists = 1 << 7;
/// What may stand before or behind these, and two of which are a name: "app version:", "user agent:".
pub(super) const PART_OF_NAME: Lists = 1 << 8;
/// Systems and programs that something is sent from.
pub(super) const PROGRAM: Lists = 1 << 9;
/// What may stand beside these.
pub(super) const WITH_PROGRAMS: Lists = 1 << 10;

/// What begins the line that says who wrote when, in four languages.
const BEGINS_QUOTE: Lists = 1 << 11;

const WORDS: [(Lists, &str); 12] = [
    (BEGINS_QUOTE, "on am le el"),
    (
        COUNTED,
        "attempt chapter ex exercise item p page part pg problem progress prompt q question quiz section slide step task",
    ),
    (WORTH, "answered complete completed marked mark marks point points pt pts remaining"),
    (
        WITH_COUNTS,
        "and no nr not number of out total value worth yet / | -> => \u{b7} \u{2022} \u{279c} \u{2192} \u{bb}",
    ),
    (
        CALENDAR,
        "january february march april may june july august september october november december \
         jan feb mar apr jun jul aug sep sept oct nov dec \
         monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun \
         utc gmt est edt et cst cdt ct mst mdt pst pdt pt cet cest bst ist jst aest aedt z timezone",
    ),
    (
        WITH_DATES,
        "a.m am and as at clock conversation current currently date day early edited for here holiday is it it's just late \
         local now o'clock of on p.m pm public read sent started the this time timestamp today today's todays tz user user's \
         week yesterday zone \u{2713} \u{2713}\u{2713}",
    ),
    (BEGINS_DATE, "current local now timestamp today's"),
    (HEADER, "attachments bcc cc date from fwd fw importance re received ref sent subject to"),
    (
        APP,
        "app browser build channel client device locale membership os plan platform subscription tier timezone username version via \
         workspace",
    ),
    (PART_OF_NAME, "agent app client device language name operating system time user version zone"),
    (
        PROGRAM,
        "android chrome chromeos desktop discord edge firefox gmail ios ipad ipados iphone linux mac macos messenger mobile outlook \
         phone pixel safari sequoia slack sonoma tablet teams telegram ubuntu ventura watch web webapp whatsapp windows",
    ),
    (WITH_PROGRAMS, "app build for from get mini on pro sent the typed using v version via / | \u{b7} -"),
];

static LEXICON: LazyLock<HashMap<&str, Lists, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let mut lexicon = HashMap::default();
    for (list, words) in WORDS {
        words.split_whitespace().for_each(|word| *lexicon.entry(word).or_default() |= list);
    }
    lexicon
});

/// The lists that a word is on.
pub(super) fn lists_of(word: &str) -> Lists {
    LEXICON.get(word).copied().unwrap_or_default()
}
