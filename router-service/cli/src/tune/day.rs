//! The day a promise is made, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::bail;

use crate::CalledWrongly;

/// The day, if it is one.
pub(super) fn checked(day: &str) -> anyhow::Result<String> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let parts: Vec<Option<u32>> = day.split('-').map(digits).collect();
    match parts.as_slice() {
        [Some(year), Some(month @ 1..=12), Some(of_month @ 1..)]
            if *of_month <= n_days(*year, *month) && day.split('-').map(str::len).eq([4, 2, 2]) =>
        {
            Ok(day.to_owned())
        }
        _ => bail!(CalledWrongly(format!("--day: expected a day as 2026-11-21, found `{day}`"))),
    }
}

/// How many days a month has.
fn n_days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Today.
pub(super) fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    of_days(seconds / 86_400)
}

/// The civil date of a day since 1970-01-01: years are taken to begin in March, so that the leap day is their last
/// (Howard Hinnant's `civil_from_days`).
fn of_days(days: u64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    //! Days that are known.

    use super::{checked, of_days};

    #[test]
    fn days_are_counted_through_leap_years() {
        for (days, day) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (11_017, "2000-03-01"), (20_778, "2026-11-21")] {
            assert_eq!(of_days(days), day);
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for right in ["2026-11-21", "2026-12-31", "2026-04-30", "2024-02-29", "2000-02-29"] {
            assert!(checked(right).is_ok(), "{right}");
        }
        for wrong in [
            "2026-13-01",
            "2026-1-1",
            "21.11.2026",
            "yesterday!",
            "",
            "2026-02-31",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-11-00",
            "+026-11-21",
            "02026-11-2",
        ] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
