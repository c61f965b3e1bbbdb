//! Each kind of column is read as what it means, and one that is not read is told by its kind where it holds something.

use std::sync::Arc;

use ::parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type, Int96,
    Int96Type,
};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{PrimitiveTypeBuilder, Type};

use super::super::ParquetTable;
use super::super::arrow::{ARROW_KEY, durations};
use super::Unit;
use crate::scratch::Scratch;

fn column(physical: Physical) -> PrimitiveTypeBuilder<'static> {
    Type::primitive_type_builder("latency_ms", physical).with_repetition(Repetition::OPTIONAL)
}

/// Writes a column that holds some values and then nothing, and says what is read of it.
#[track_caller]
fn check<T: DataType>(column: PrimitiveTypeBuilder<'_>, note: Option<&str>, values: &[T::T], expected: &[&str]) {
    let schema = Type::group_type_builder("schema").with_fields(vec![Arc::new(column.build().unwrap())]);
    let notes = note.map(|note| vec![KeyValue::new(ARROW_KEY.to_owned(), note.to_owned())]);
    let properties = Arc::new(WriterProperties::builder().set_key_value_metadata(notes).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema.build().unwrap()), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut target = group.next_column().unwrap().unwrap();
    let mut levels = vec![1; values.len()];
    levels.push(0);
    target.typed::<T>().write_batch(values, Some(&levels), None).unwrap();
    target.close().unwrap();
    group.close().unwrap();
    let scratch = Scratch::new();
    let path = scratch.write("t.parquet", writer.into_inner().unwrap());
    let mut table = ParquetTable::open(&path, |_| true).unwrap();
    let mut cells = Vec::new();
    while table.advance().unwrap() {
        cells.push(table.cell(0).to_string());
    }
    assert_eq!(cells.pop().as_deref(), Some("nothing"));
    assert_eq!(cells, expected);
}

fn fixed(values: &[&[u8]]) -> Vec<FixedLenByteArray> {
    values.iter().map(|bytes| FixedLenByteArray::from(bytes.to_vec())).collect()
}

#[test]
fn times_are_told_in_milliseconds() {
    let stamp = |unit| column(Physical::INT64).with_logical_type(Some(LogicalType::timestamp(true, unit)));
    let said = "a timestamp of 1700000000123 ms";
    check::<Int64Type>(stamp(TimeUnit::MILLIS), None, &[1_700_000_000_123], &[said]);
    check::<Int64Type>(stamp(TimeUnit::MICROS), None, &[1_700_000_000_122_500], &[said]);
    check::<Int64Type>(stamp(TimeUnit::NANOS), None, &[1_700_000_000_123_499_999, -1], &[said, "a timestamp of 0 ms"]);
    for (converted, value) in
        [(ConvertedType::TIMESTAMP_MILLIS, 1_700_000_000_123), (ConvertedType::TIMESTAMP_MICROS, 1_700_000_000_123_000)]
    {
        check::<Int64Type>(column(Physical::INT64).with_converted_type(converted), None, &[value], &[said]);
    }
    let date = column(Physical::INT32).with_logical_type(Some(LogicalType::Date));
    check::<Int32Type>(date, None, &[1], &["a date"]);
    let time = column(Physical::INT32).with_converted_type(ConvertedType::TIME_MILLIS);
    check::<Int32Type>(time, None, &[1], &["a time of day"]);
    check::<Int96Type>(column(Physical::INT96), None, &[Int96::new()], &["a 96-bit timestamp"]);
    check::<Int96Type>(column(Physical::INT96), None, &[], &[]);
}

/// What pyarrow 26.0.1 wrote of a table with `a`, a whole number, and `latency_ms` and `é`, two lengths of time in µs.
const MICROS: &str = "/////+AAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAMAAAB8AAAAMAAAAAQAAACg////AAABEhAAAA\
    AUAAAABAAAAAAAAAACAAAAw6kAAM7///8AAAIAyP///wAAARIQAAAAJAAAAAQAAAAAAAAACgAAAGxhdGVuY3lfbXMAAAAABgAIAAYABgAAAAAAAgAQABQACAAGAAcADAAAABAA\
    EAAAAAAAAQIQAAAAHAAAAAQAAAAAAAAAAQAAAGEAAAAIAAwACAAHAAgAAAAAAAABQAAAAA==";

/// The same in ms, which is not written since it is the usual unit.
const MILLIS: &str = "/////9gAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAMAAABwAAAALAAAAAQAAACs////AAABEhAAAA\
    AUAAAABAAAAAAAAAACAAAAw6kAANT////Q////AAABEhAAAAAgAAAABAAAAAAAAAAKAAAAbGF0ZW5jeV9tcwAABAAEAAQAAAAQABQACAAGAAcADAAAABAAEAAAAAAAAQIQAAAAHA\
    AAAAQAAAAAAAAAAQAAAGEAAAAIAAwACAAHAAgAAAAAAAABQAAAAAAAAAA=";

#[test]
fn a_length_of_time_has_the_unit_that_arrow_says() {
    for (note, unit) in [(MICROS, Unit::Micros), (MILLIS, Unit::Millis)] {
        assert_eq!(durations(note), [("latency_ms".to_owned(), unit), ("é".to_owned(), unit)]);
    }
    let plain = || column(Physical::INT64);
    check::<Int64Type>(plain(), Some(MICROS), &[1_500_499, -1000], &["a duration of 1500 ms", "a duration of -1 ms"]);
    check::<Int64Type>(plain(), Some(MILLIS), &[1500], &["a duration of 1500 ms"]);
    check::<Int64Type>(plain(), None, &[1500], &["1500"]);
    // The units of the others lie in the same places of the note.
    for (letter, unit) in [("AA", Unit::Seconds), ("Aw", Unit::Nanos)] {
        let note = MICROS.replace("AAAAAgAQABQ", &format!("AAAA{letter}AQABQ"));
        assert_eq!(durations(&note).first(), Some(&("latency_ms".to_owned(), unit)));
    }
}

#[test]
fn a_note_that_makes_no_sense_says_nothing() {
    assert!(durations("no base64 at all!").is_empty() && durations("").is_empty());
    for at in 0..MICROS.len() {
        let _ = durations(&MICROS[..at]);
        for letter in ["/", "A", "g"] {
            let _ = durations(&format!("{}{letter}{}", &MICROS[..at], &MICROS[at + 1..]));
        }
    }
}

#[test]
fn a_number_without_a_sign_is_never_negative() {
    let unsigned = |bits| LogicalType::integer(bits, false);
    let short = column(Physical::INT32).with_logical_type(Some(unsigned(32)));
    check::<Int32Type>(short, None, &[-294_967_296, 7], &["4000000000", "7"]);
    let long = column(Physical::INT64).with_logical_type(Some(unsigned(64)));
    check::<Int64Type>(long, None, &[i64::MIN, 7], &["9223372036854776000", "7"]);
    let old = column(Physical::INT32).with_converted_type(ConvertedType::UINT_32);
    check::<Int32Type>(old, None, &[-1], &["4294967295"]);
    check::<Int32Type>(column(Physical::INT32), None, &[-1], &["-1"]);
}

#[test]
fn decimals_are_numbers_however_they_are_stored() {
    let decimal = |physical, precision| {
        let column = column(physical).with_logical_type(Some(LogicalType::decimal(2, precision)));
        column.with_precision(precision).with_scale(2)
    };
    check::<Int32Type>(decimal(Physical::INT32, 5), None, &[-51], &["-0.51"]);
    let three = fixed(&[&[0, 0, 51], &[0xff, 0xff, 0xcd]]);
    let column_of_three = decimal(Physical::FIXED_LEN_BYTE_ARRAY, 5).with_length(3);
    check::<FixedLenByteArrayType>(column_of_three, None, &three, &["0.51", "-0.51"]);
    check::<ByteArrayType>(decimal(Physical::BYTE_ARRAY, 5), None, &[ByteArray::from(vec![51])], &["0.51"]);
    let many = fixed(&[&[0; 20]]);
    let column_of_many = decimal(Physical::FIXED_LEN_BYTE_ARRAY, 40).with_length(20);
    check::<FixedLenByteArrayType>(column_of_many, None, &many, &["a decimal of more than 38 digits"]);
}

#[test]
fn half_a_float_is_a_number() {
    let half = column(Physical::FIXED_LEN_BYTE_ARRAY).with_length(2).with_logical_type(Some(LogicalType::Float16));
    let bits: [u16; 7] = [0x0000, 0x3c00, 0x3800, 0xc000, 0x3555, 0x0001, 0x7c00];
    let values: Vec<FixedLenByteArray> = bits.iter().map(|bits| bits.to_le_bytes().to_vec().into()).collect();
    let expected = ["0", "1", "0.5", "-2", "0.333251953125", "0.00000005960464477539063", "inf"];
    check::<FixedLenByteArrayType>(half, None, &values, &expected);
}

#[test]
fn a_kind_that_is_not_read_is_nothing_where_it_holds_nothing() {
    let uuid = || column(Physical::FIXED_LEN_BYTE_ARRAY).with_length(16).with_logical_type(Some(LogicalType::Uuid));
    check::<FixedLenByteArrayType>(uuid(), None, &fixed(&[&[7; 16]]), &["bytes of fixed length"]);
    check::<FixedLenByteArrayType>(uuid(), None, &[], &[]);
}
