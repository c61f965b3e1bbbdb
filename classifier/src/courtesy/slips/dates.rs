//! What day it is, and what time.

use super::lexicon::{BEGINS_DATE, CALENDAR, WITH_DATES};
use super::{Apart, Part, Told};

/// Where zones lie: `europe/berlin`.
const PARTS_OF_THE_WORLD: [&str; 6] = ["africa/", "america/", "asia/", "australia/", "europe/", "pacific/"];

/// Digits of a day and a time to the millisecond with an offset.
const MAX_DIGITS: usize = 21;

/// Beside these a date may be what the question goes by.
pub(super) const SPOKEN: [&str; 2] = [
    "ago anniversary arriv birthday born calendar clock current date day_of deadline due expire flight from_now holiday how_long how_old \
     latest meeting now recent schedul since this_week this_month this_year time_is time_zone today tomorrow until wake \
     weekday weekend what_day what_month what_time what_year when which_day which_month which_year yesterday zodiac",
    "age breakfast day early eat hour late lunch minute month next night noon old ratio season time week year",
];

/// Whether these words are a date or a time: `today's date is march 5, 2025.`, `it is 14:05 utc`.
pub(super) fn is_date(parts: &[Part<'_>], apart: Apart) -> Option<Told> {
    let (mut figures, mut names, mut others) = (0, 0, 0);
    let (mut timed, mut dated) = (false, false);
    for part in parts.iter().filter(|part| !part.bare.is_empty()) {
        match part.bare {
            name if part.is(CALENDAR) || PARTS_OF_THE_WORLD.iter().any(|part| name.starts_with(part)) => names += 1,
            figure if is_figure(figure) => figures += 1,
            _ if part.is(WITH_DATES) => others += 1,
            _ => return None,
        }
        timed |= is_time(part.bare);
        dated |= is_written(part.bare);
    }
    let begins = parts[0].is(BEGINS_DATE);
    // A date that nothing introduces may be an answer, and one in a line of its own hardly is.
    let introduced = match apart {
        Apart::Line => true,
        Apart::Sentence => others > 0,
        Apart::Hardly => begins,
    };
    // A number alone is one of the question, `4:01` a ratio, and "may" a word.
    let early = parts[0].text.trim_start_matches(['[', '(']).find(':') == Some(2);
    let told = figures > 0 && (names > 0 || timed && (others > 0 || early) || dated);
    let placed = begins && names > 0 && parts.len() > 2;
    let plainly = begins && parts[0].bare != "now" || parts[0].bare == "today" && parts.len() > 2;
    (introduced && (told || placed)).then_some(if plainly { Told::Plainly } else { Told::Perhaps })
}

/// Beside these a stamp may be.
pub(super) const SPOKEN_OF_STAMPS: [&str; 2] = ["caption late subtitle timestamp", ""];

/// What it ends with: a digit, or the end of a box.
pub(super) const ENDS_OF_STAMPS: [char; 11] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ']'];

/// Whether these words are what a program stamps: `00:03:41,200 --> 00:03:44,050` of a subtitle, `[2023-11-08t17:46:03+01:00]` of a log.
pub(super) fn is_stamped(parts: &[Part<'_>], apart: Apart) -> Option<Told> {
    let stamps = match parts {
        [one] => {
            let boxed = one.text.starts_with('[') && one.text.ends_with(']');
            let to_the_second = is_written(one.bare) || one.bare.matches(':').count() == 2;
            boxed && is_figure(one.bare) && is_time(one.bare) && to_the_second
        }
        [from, arrow, to] => {
            arrow.text == "-->" && [from, to].iter().all(|end| is_figure(end.bare) && is_time(end.bare))
        }
        _ => false,
    };
    (stamps && apart != Apart::Hardly).then_some(Told::Plainly)
}

/// A number, a time, a date in figures, an offset: `5`, `5th`, `14:05`, `00:03:41,200`, `2025-03-05t14:05:00.000+01:00`, `utc+2`.
fn is_figure(word: &str) -> bool {
    const ENDS: [&str; 8] = ["st", "nd", "rd", "th", "am", "pm", "h", "z"];
    let plain = ENDS.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    let plain = ["utc", "gmt"].iter().find_map(|zone| plain.strip_prefix(zone)).unwrap_or(plain);
    let in_figures = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || b":-/.,+".contains(&byte));
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    plain.split('t').all(in_figures) && (1..=MAX_DIGITS).contains(&digits)
}

/// `2025-03-05`, `5.3.2025`, `3/22/26`.
fn is_written(word: &str) -> bool {
    let date = word.split('t').next().unwrap_or_default();
    ['-', '/', '.'].iter().any(|sign| {
        let parts: Vec<&str> = date.split(*sign).collect();
        let figures = |part: &&str| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit());
        let long = parts.iter().any(|part| part.len() == 4)
            || *sign == '/' && parts.last().is_some_and(|year| year.len() == 2);
        parts.len() == 3 && parts.iter().all(figures) && long
    })
}

/// `14:05`, with seconds or without.
fn is_time(word: &str) -> bool {
    let word = word.rsplit('t').next().unwrap_or_default();
    let (hour, rest) = word.split_once(':').unwrap_or_default();
    let two = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_digit());
    (1..=2).contains(&hour.len()) && hour.bytes().all(|byte| byte.is_ascii_digit()) && two(rest)
}
