//! How long an upstream asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. Time comes in as a value.

/// The longest wait that is believed: a day. Nobody waits that long; it keeps a silly number from being an enormous one.
pub(crate) const MAX_RETRY_AFTER_MS: u64 = 24 * 60 * 60 * 1000;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The wait in milliseconds; none where neither header says something that can be read. `now_unix_s` is what a date is held against.
pub(crate) fn retry_after_ms(in_ms: Option<&str>, retry_after: Option<&str>, now_unix_s: u64) -> Option<u64> {
    let in_ms = in_ms.and_then(|text| amount(text, 1.0));
    let in_seconds = || retry_after.and_then(|text| amount(text, 1000.0));
    let until = || {
        let until = unix_seconds(retry_after?.trim())?;
        Some(until.saturating_sub(now_unix_s).saturating_mul(1000))
    };
    in_ms.or_else(in_seconds).or_else(until).map(|wait_ms| wait_ms.min(MAX_RETRY_AFTER_MS))
}

/// A number as some write it with a fraction, in milliseconds, rounded up: a wait that is too short is asked for again.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is not below 0, and a cast of a float saturates"
)]
fn amount(text: &str, ms_each: f64) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * ms_each).ceil() as u64)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may write today.
fn unix_seconds(date: &str) -> Option<u64> {
    let (_weekday, rest) = date.split_once(", ")?;
    let mut words = rest.split_ascii_whitespace();
    let day: u64 = number(words.next()?, 1..=31)?;
    let month = words.next()?;
    let month = 1 + u64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let year = number(words.next()?, 1970..=9999)?;
    let mut clock = words.next()?.split(':');
    let (hours, minutes, seconds) =
        (number(clock.next()?, 0..=23)?, number(clock.next()?, 0..=59)?, number(clock.next()?, 0..=60)?);
    let ends = clock.next().is_none() && words.next() == Some("GMT") && words.next().is_none();
    ends.then(|| days_since_1970(year, month, day) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

fn number(text: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

/// Days of the Gregorian calendar, counted in years that begin in March, so that the leap day is a year's last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month + 2) / 5;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + days_before_month + day;
    // March 1 of year 0 to January 1, 1970, with a day counted from 1.
    days - 719_469
}
