//! One value of a table as a file holds it, before anybody knows which column it is for. A `Raw` cell is text whose
//! type the format does not say (CSV), so it may be read as a number; `Text` may not: `"0.5"` in JSON is a mistake.

use std::fmt;

/// A value as a file holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing is there.
    Null,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A point of time that the format says is one: milliseconds since 1970.
    Moment(i64),
    /// A length of time that the format says is one, in milliseconds.
    Duration(i64),
    /// Text that the format says is text.
    Text(&'a str),
    /// Text of a format without types.
    Raw(&'a str),
    /// Something we do not read, and what it is.
    Other(&'static str),
}

/// Characters of a found value that an error shows: enough to recognise it, too few to spill a prompt into a log.
const SHOWN_CHARS: usize = 40;

/// What CSV files of the field write where nothing is there.
const RAW_NULLS: [&str; 5] = ["", "null", "NULL", "None", "NaN"];

impl<'a> Cell<'a> {
    /// Whether nothing is there. NaN counts as nothing, since some tools write it for a missing number.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Number(number) => number.is_nan(),
            Self::Raw(text) => RAW_NULLS.contains(&text.trim()) || text.trim() == "nan",
            Self::Flag(_) | Self::Integer(_) | Self::Moment(_) | Self::Duration(_) | Self::Text(_) | Self::Other(_) => {
                false
            }
        }
    }

    /// The number in it, right or wrong counting as one and nought.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            #[expect(clippy::cast_precision_loss, reason = "a count past 2^53 is refused where counts are read")]
            Self::Integer(integer) => Some(*integer as f64),
            Self::Number(number) => Some(*number),
            Self::Raw(text) => match self.flag() {
                Some(flag) => Some(f64::from(u8::from(flag))),
                None => text.trim().parse().ok(),
            },
            Self::Null | Self::Moment(_) | Self::Duration(_) | Self::Text(_) | Self::Other(_) => None,
        }
    }

    /// The whole number in it. `12.0` counts: tables with gaps turn whole numbers into floating ones.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Integer(integer) => u64::try_from(*integer).ok(),
            Self::Number(number) => whole(*number),
            Self::Raw(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
            Self::Null | Self::Flag(_) | Self::Moment(_) | Self::Duration(_) | Self::Text(_) | Self::Other(_) => None,
        }
    }

    /// The milliseconds since 1970 in it, or the whole number.
    #[must_use]
    pub fn moment_ms(&self) -> Option<u64> {
        if let Self::Moment(millis) = self { u64::try_from(*millis).ok() } else { self.count() }
    }

    /// The milliseconds that it lasts, or the whole number.
    #[must_use]
    pub fn duration_ms(&self) -> Option<u64> {
        if let Self::Duration(millis) = self { u64::try_from(*millis).ok() } else { self.count() }
    }

    /// The truth value in it.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Raw(text) => match text.trim() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            Self::Null
            | Self::Integer(_)
            | Self::Number(_)
            | Self::Moment(_)
            | Self::Duration(_)
            | Self::Text(_)
            | Self::Other(_) => None,
        }
    }

    /// The text in it.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) | Self::Raw(text) => Some(text),
            Self::Null
            | Self::Flag(_)
            | Self::Integer(_)
            | Self::Number(_)
            | Self::Moment(_)
            | Self::Duration(_)
            | Self::Other(_) => None,
        }
    }
}

/// What was found, for an error: its kind and its beginning.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Moment(millis) => write!(f, "a timestamp of {millis} ms"),
            Self::Duration(millis) => write!(f, "a duration of {millis} ms"),
            Self::Text(text) | Self::Raw(text) => {
                let cut = text.char_indices().nth(SHOWN_CHARS).map(|(at, _)| at);
                write!(f, "{:?}{}", &text[..cut.unwrap_or(text.len())], if cut.is_some() { ".." } else { "" })
            }
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

fn whole(number: f64) -> Option<u64> {
    /// Past this a floating number no longer names one whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on the same line")]
    (number.trunc().total_cmp(&number).is_eq() && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}
