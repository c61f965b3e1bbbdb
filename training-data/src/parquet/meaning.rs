//! What the stored values of a Parquet column mean. A time is told in milliseconds, whatever unit it is stored in; what is
//! said of a kind that is not read is shown where a cell of it was wanted.

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use ::parquet::schema::types::ColumnDescriptor;

use crate::cell::Cell;

/// The meaning of the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What they are stored as.
    Stored,
    /// Whole numbers without a sign.
    Unsigned,
    /// Whole numbers, this many digits of which stand behind the point.
    Decimal(i32),
    /// Points of time since 1970.
    Moment(Unit),
    /// Lengths of time.
    Duration(Unit),
    /// Floating numbers of 16 bits.
    Half,
    /// Something we do not read.
    Unread(&'static str),
}

/// The unit that a time is stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The nearest whole millisecond.
    fn millis(self, value: i64) -> i64 {
        let nearest = |per_milli: i64| value.saturating_add(per_milli / 2).div_euclid(per_milli);
        match self {
            Self::Seconds => value.saturating_mul(1000),
            Self::Millis => value,
            Self::Micros => nearest(1000),
            Self::Nanos => nearest(1_000_000),
        }
    }
}

const TOO_LONG: Cell<'static> = Cell::Other("a decimal of more than 38 digits");

impl Meaning {
    pub(super) fn of(descriptor: &ColumnDescriptor) -> Self {
        match descriptor.logical_type_ref() {
            Some(LogicalType::Decimal(decimal)) => Self::Decimal(decimal.scale),
            Some(LogicalType::Integer(integer)) if !integer.is_signed => Self::Unsigned,
            Some(LogicalType::Timestamp(stamp)) => match stamp.unit {
                TimeUnit::MILLIS => Self::Moment(Unit::Millis),
                TimeUnit::MICROS => Self::Moment(Unit::Micros),
                TimeUnit::NANOS => Self::Moment(Unit::Nanos),
            },
            Some(LogicalType::Time(_)) => Self::Unread("a time of day"),
            Some(LogicalType::Date) => Self::Unread("a date"),
            Some(LogicalType::Float16) => Self::Half,
            Some(_) => Self::Stored,
            None => Self::of_converted(descriptor),
        }
    }

    /// Of a file that is older than logical types.
    fn of_converted(descriptor: &ColumnDescriptor) -> Self {
        match descriptor.converted_type() {
            ConvertedType::DECIMAL => Self::Decimal(descriptor.type_scale()),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Self::Unsigned
            }
            ConvertedType::TIMESTAMP_MILLIS => Self::Moment(Unit::Millis),
            ConvertedType::TIMESTAMP_MICROS => Self::Moment(Unit::Micros),
            ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS => Self::Unread("a time of day"),
            ConvertedType::DATE => Self::Unread("a date"),
            ConvertedType::INTERVAL => Self::Unread("an interval"),
            _ => Self::Stored,
        }
    }

    pub(super) fn int(self, value: i32) -> Cell<'static> {
        match self {
            Self::Unsigned => Cell::Integer(i64::from(value.cast_unsigned())),
            other => other.long(i64::from(value)),
        }
    }

    pub(super) fn long(self, value: i64) -> Cell<'static> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^63 it is only shown")]
            Self::Unsigned if value < 0 => Cell::Number(value.cast_unsigned() as f64),
            Self::Stored | Self::Unsigned | Self::Half => Cell::Integer(value),
            Self::Decimal(scale) => decimal(i128::from(value), scale),
            Self::Moment(unit) => Cell::Moment(unit.millis(value)),
            Self::Duration(unit) => Cell::Duration(unit.millis(value)),
            Self::Unread(kind) => Cell::Other(kind),
        }
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Cell<'_> {
        match self {
            Self::Decimal(scale) => big_endian(bytes).map_or(TOO_LONG, |value| decimal(value, scale)),
            Self::Unread(kind) => Cell::Other(kind),
            Self::Stored | Self::Unsigned | Self::Half | Self::Moment(_) | Self::Duration(_) => {
                std::str::from_utf8(bytes).map_or(Cell::Other("bytes that are not UTF-8"), Cell::Text)
            }
        }
    }

    pub(super) fn fixed_bytes(self, bytes: &[u8]) -> Cell<'static> {
        match (self, bytes) {
            (Self::Half, [low, high]) => Cell::Number(half(u16::from_le_bytes([*low, *high]))),
            (Self::Decimal(scale), _) => big_endian(bytes).map_or(TOO_LONG, |value| decimal(value, scale)),
            (Self::Unread(kind), _) => Cell::Other(kind),
            (Self::Stored | Self::Unsigned | Self::Half | Self::Moment(_) | Self::Duration(_), _) => {
                Cell::Other("bytes of fixed length")
            }
        }
    }
}

/// A whole number as texts of bytes hold it: the highest byte first, its highest bit the sign.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let (first, n_bytes) = (bytes.first()?, size_of::<i128>());
    let mut filled = if first.cast_signed() < 0 { [0xff; 16] } else { [0; 16] };
    filled[n_bytes.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(filled))
}

fn decimal(value: i128, scale: i32) -> Cell<'static> {
    match (scale, i64::try_from(value)) {
        (0, Ok(value)) => Cell::Integer(value),
        #[expect(clippy::cast_precision_loss, reason = "a decimal read as a number; 15 digits are plenty here")]
        (scale, _) => Cell::Number(value as f64 / 10_f64.powi(scale)),
    }
}

/// A floating number of 16 bits: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if bits & 0x3ff == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests;
