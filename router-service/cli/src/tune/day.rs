//! The day a promise is made, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::bail;

use crate::CalledWrongly;

/// The day, if it is one.
pub(super) fn checked(day: &str) -> anyhow::Result<String> {
    let parts: Vec<Option<u32>> = day.split('-').map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [Some(_), Some(1..=12), Some(1..=31)] if day.len() == 10 && day.is_ascii() => Ok(day.to_owned()),
        _ => bail!(CalledWrongly(format!("--day: expected a day as 2026-11-21, found `{day}`"))),
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
        assert!(checked("2026-11-21").is_ok());
        for wrong in ["2026-13-01", "2026-1-1", "21.11.2026", "yesterday!", ""] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
