//! Rows survive Parquet, foreign files are read by their names, and broken ones end in an error that names them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::basic::{Compression, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::FileReader;
use ::parquet::file::serialized_reader::SerializedFileReader;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;
use proptest::prelude::*;

use super::writer::{GROUP_ROWS, GROUP_TEXT_BYTES};
use super::{ParquetTable, RowReader, RowWriter};
use crate::row::tests::{any_row, plain_row};
use crate::row::{OutcomeRow, RowError};
use crate::scratch::Scratch;

fn written(rows: &[OutcomeRow]) -> Vec<u8> {
    let mut writer = RowWriter::new(Vec::new()).unwrap();
    rows.iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap()
}

fn read(path: &std::path::Path) -> Result<Vec<OutcomeRow>, RowError> {
    RowReader::open(path)?.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_survive(rows in proptest::collection::vec(any_row(), 0..20)) {
        let scratch = Scratch::new();
        let path = scratch.write("rows.parquet", written(&rows));
        prop_assert_eq!(read(&path).unwrap(), rows);
    }
}

#[test]
fn more_rows_than_a_group_keep_their_order() {
    let n_rows = GROUP_ROWS + 5000;
    let rows: Vec<OutcomeRow> = (0..n_rows).map(|row| plain_row(&row.to_string(), "m", 0.5)).collect();
    let scratch = Scratch::new();
    let path = scratch.write("rows.parquet", written(&rows));
    assert_eq!(RowReader::open(&path).unwrap().n_rows(), n_rows as u64);
    assert!(read(&path).unwrap() == rows);
}

/// A file of another tool: a text, an int32 and one number column, as told.
fn foreign(scratch: &Scratch, columns: &[(&str, Column)], notes: Option<Vec<KeyValue>>) -> PathBuf {
    let mut fields = Vec::new();
    for (name, column) in columns {
        let physical = match column {
            Column::Texts(_) | Column::Lists(_) | Column::Structs(_) => Physical::BYTE_ARRAY,
            Column::Ints(_) => Physical::INT32,
            Column::Floats(_) => Physical::FLOAT,
            Column::Doubles(_) => Physical::DOUBLE,
        };
        let within = |name: &str, repetition, field: Type| {
            let group = Type::group_type_builder(name).with_repetition(repetition).with_fields(vec![Arc::new(field)]);
            group.build().unwrap()
        };
        let leaf = |name: &str| {
            Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL).build().unwrap()
        };
        fields.push(Arc::new(match column {
            Column::Lists(_) => {
                within(name, Repetition::OPTIONAL, within("list", Repetition::REPEATED, leaf("element")))
            }
            Column::Structs(_) => within(name, Repetition::OPTIONAL, leaf("text")),
            Column::Texts(_) | Column::Ints(_) | Column::Floats(_) | Column::Doubles(_) => leaf(name),
        }));
    }
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build().unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(::parquet::basic::ZstdLevel::default()))
        .set_key_value_metadata(notes)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, column) in columns {
        let mut target = group.next_column().unwrap().unwrap();
        match column {
            Column::Texts(values) => {
                let values: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(*text)).collect();
                target.typed::<ByteArrayType>().write_batch(&values, Some(&vec![1; values.len()]), None).unwrap();
            }
            Column::Structs(values) => {
                let texts: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(*text)).collect();
                target.typed::<ByteArrayType>().write_batch(&texts, Some(&vec![2; texts.len()]), None).unwrap();
            }
            Column::Lists(values) => {
                let texts: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(*text)).collect();
                let (definitions, repetitions) = (vec![3; texts.len()], vec![0; texts.len()]);
                target.typed::<ByteArrayType>().write_batch(&texts, Some(&definitions), Some(&repetitions)).unwrap();
            }
            Column::Ints(values) => {
                let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
                let values: Vec<i32> = values.iter().copied().flatten().collect();
                target.typed::<Int32Type>().write_batch(&values, Some(&levels), None).unwrap();
            }
            Column::Floats(values) => {
                target.typed::<FloatType>().write_batch(values, Some(&vec![1; values.len()]), None).unwrap();
            }
            Column::Doubles(values) => {
                target.typed::<DoubleType>().write_batch(values, Some(&vec![1; values.len()]), None).unwrap();
            }
        }
        target.close().unwrap();
    }
    group.close().unwrap();
    scratch.write("foreign.parquet", writer.into_inner().unwrap())
}

enum Column {
    Texts(Vec<&'static str>),
    Lists(Vec<&'static str>),
    Structs(Vec<&'static str>),
    Ints(Vec<Option<i32>>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
}

fn names() -> Vec<(&'static str, Column)> {
    ["source", "dataset", "prompt_id", "model"].into_iter().map(|name| (name, Column::Texts(vec!["a", "b"]))).collect()
}

#[test]
fn a_foreign_file_is_read_by_its_names() {
    let scratch = Scratch::new();
    let mut columns = names();
    columns.push(("quality", Column::Floats(vec![0.25, 1.0])));
    columns.push(("completion_tokens", Column::Ints(vec![None, Some(7)])));
    columns.push(("cost_usd", Column::Doubles(vec![f64::NAN, 0.5])));
    columns.push(("colour", Column::Texts(vec!["red", "blue"])));
    let rows = read(&foreign(&scratch, &columns, None)).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].completion_tokens, rows[0].cost_usd), (None, None));
    assert_eq!((rows[1].completion_tokens, rows[1].cost_usd, &*rows[1].model), (Some(7), Some(0.5), "b"));
}

#[track_caller]
fn check(path: &std::path::Path, expected: &str) {
    let error = read(path).unwrap_err().to_string();
    let error = error.replace(&format!("{}{}", path.parent().unwrap().display(), std::path::MAIN_SEPARATOR), "");
    assert!(error.starts_with(expected), "expected {expected:?}, found {error:?}");
}

#[test]
fn a_missing_column_is_named_with_those_that_are_there() {
    let scratch = Scratch::new();
    let path = foreign(&scratch, &names(), None);
    let expected = "foreign.parquet: expected a column \"quality\", found source, dataset, prompt_id, model";
    check(&path, expected);
}

#[test]
fn a_bad_cell_is_named_by_file_row_and_column() {
    let scratch = Scratch::new();
    let mut columns = names();
    columns.push(("quality", Column::Doubles(vec![0.5, 1.7])));
    let path = foreign(&scratch, &columns, None);
    check(&path, "foreign.parquet, row 2, column \"quality\": expected a number from 0 to 1, found 1.7");
    let good: Vec<_> = RowReader::open(&path).unwrap().filter_map(Result::ok).collect();
    assert_eq!(good.len(), 1);
    columns.pop();
    columns.push(("quality", Column::Texts(vec!["high", "low"])));
    check(
        &foreign(&scratch, &columns, None),
        "foreign.parquet, row 1, column \"quality\": expected a number from 0 to 1, found \"high\"",
    );
}

#[test]
fn a_column_that_is_a_list_or_a_struct_is_named_and_one_that_nobody_wants_is_not() {
    let scratch = Scratch::new();
    let with = |name, column| {
        let mut columns = names();
        columns.push(("quality", Column::Doubles(vec![0.5, 0.5])));
        columns.push((name, column));
        foreign(&scratch, &columns, None)
    };
    let expected = "foreign.parquet, row 1, column \"prompt\": expected a text of at most 4 MiB, found";
    check(&with("prompt", Column::Lists(vec!["a", "b"])), &format!("{expected} a list"));
    check(&with("prompt", Column::Structs(vec!["a", "b"])), &format!("{expected} a struct"));
    for column in [Column::Lists(vec!["a", "b"]), Column::Structs(vec!["a", "b"])] {
        assert_eq!(read(&with("colour", column)).unwrap().len(), 2);
    }
    let path = with("colour", Column::Structs(vec!["a", "b"]));
    let all = ParquetTable::all_names(&path).unwrap();
    assert_eq!(all[5..], ["colour.text", "colour"]);
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let scratch = Scratch::new();
    let mut columns = names();
    columns.push(("quality", Column::Doubles(vec![0.5, 0.5])));
    columns.push(("quality", Column::Doubles(vec![0.7, 0.7])));
    check(&foreign(&scratch, &columns, None), "foreign.parquet: expected every column once, found \"quality\" twice");
    columns.pop();
    columns.extend([("colour", Column::Floats(vec![0.5, 0.5])), ("colour", Column::Floats(vec![0.5, 0.5]))]);
    assert_eq!(read(&foreign(&scratch, &columns, None)).unwrap().len(), 2);
}

#[test]
fn a_version_of_ours_that_is_unknown_is_refused() {
    let scratch = Scratch::new();
    let mut columns = names();
    columns.push(("quality", Column::Doubles(vec![0.5, 0.5])));
    let note = KeyValue::new("schema_version".to_owned(), "99".to_owned());
    let path = foreign(&scratch, &columns, Some(vec![note]));
    check(&path, "foreign.parquet: expected rows of schema version 1, found version 99");
}

#[test]
fn another_format_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.write("rows.parquet", b"{\"model\":\"m\"}\n");
    check(&path, "rows.parquet: expected a Parquet file, found one that begins with \"{\\\"mo\"");
    check(
        &scratch.write("empty.parquet", b""),
        "empty.parquet: expected a Parquet file, found one that begins with \"\"",
    );
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_is_cut() {
    let rows: Vec<OutcomeRow> = (0..50).map(|row| plain_row(&row.to_string(), "m", 0.5)).collect();
    let whole = written(&rows);
    let scratch = Scratch::new();
    for cut in (4..whole.len()).step_by(7) {
        let path = scratch.write("cut.parquet", &whole[..cut]);
        check(&path, "cut.parquet: expected a whole Parquet file, found one that is broken, cut short");
    }
}

#[test]
fn a_flipped_byte_never_panics() {
    let rows: Vec<OutcomeRow> = (0..20).map(|row| plain_row(&row.to_string(), "m", 0.5)).collect();
    let whole = written(&rows);
    let scratch = Scratch::new();
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let path = scratch.write("flipped.parquet", &bytes);
        let _ = read(&path);
    }
    fs::metadata(scratch.folder()).unwrap();
}

#[test]
fn long_prompts_close_a_row_group_early() {
    const PROMPT_BYTES: usize = 1 << 20;
    let rows: Vec<OutcomeRow> = (0..GROUP_TEXT_BYTES / PROMPT_BYTES + 2)
        .map(|number| OutcomeRow {
            prompt: Some(format!("{number} {}", "x".repeat(PROMPT_BYTES)).into()),
            ..plain_row(&number.to_string(), "m", 0.5)
        })
        .collect();
    let scratch = Scratch::new();
    let path = scratch.write("long.parquet", written(&rows));
    assert_eq!(SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap().num_row_groups(), 2);
    assert!(read(&path).unwrap() == rows);
}
