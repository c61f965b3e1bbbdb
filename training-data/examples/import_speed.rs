//! How fast rows are imported, beside what the machine needs for the bytes alone, and how much memory that takes.
//! `cargo run --release -p training-data --example import_speed -- 1000000`; run it with other counts to see that the
//! peak does not follow them.
#![expect(clippy::print_stdout, reason = "an example speaks to the person who runs it")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use training_data::cell::Cell;
use training_data::import::{Format, Grouping, Plan, run};
use training_data::row::{Column, Draft};
use training_data::{OutcomeRow, jsonl};

const N_MODELS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let n_rows: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("import-speed-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = measure(n_rows, &folder);
    fs::remove_dir_all(&folder)?;
    outcome
}

fn measure(n_rows: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let (lines, rows) = (folder.join("rows.jsonl"), folder.join("rows.parquet"));
    timed("write JSONL", n_rows, || write_rows(&lines, n_rows))?;
    println!("{:<28} {:>9} MiB", "size of the JSONL", fs::metadata(&lines)?.len() >> 20);
    timed("reference: copy its bytes", n_rows, || Ok(fs::copy(&lines, folder.join("copy")).map(drop)?))?;
    timed("reference: parse its JSON", n_rows, || parse_only(&lines))?;
    let import = |from: &Path, to: &Path, grouping: Grouping| -> Result<(), Box<dyn Error>> {
        let plan = Plan::new(Format::Outcomes, vec![from.to_owned()]);
        let report = run(&plan, to, grouping, &mut |_| {})?;
        assert_eq!(report.n_kept, n_rows);
        Ok(())
    };
    timed("JSONL to Parquet", n_rows, || import(&lines, &rows, Grouping::Keep))?;
    println!("{:<28} {:>9} MiB", "size of the Parquet", fs::metadata(&rows)?.len() >> 20);
    timed("Parquet to Parquet", n_rows, || import(&rows, &folder.join("again.parquet"), Grouping::Keep))?;
    timed("JSONL to Parquet, grouped", n_rows, || import(&lines, &folder.join("grouped.parquet"), Grouping::Missing))
}

fn timed(what: &str, n_rows: u64, work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = n_rows as f64 / seconds;
    println!("{what:<28} {seconds:>9.2} s  {rate:>12.0} rows/s  peak {}", peak_memory());
    Ok(())
}

/// The most memory this process has had so far.
fn peak_memory() -> String {
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            return line.trim().to_owned();
        }
    }
    "unknown".to_owned()
}

fn parse_only(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        serde_json::from_slice::<serde::de::IgnoredAny>(&line)?;
        line.clear();
    }
    Ok(())
}

fn write_rows(path: &Path, n_rows: u64) -> Result<(), Box<dyn Error>> {
    let mut writer = jsonl::RowWriter::new(BufWriter::new(File::create(path)?));
    let mut draft = Draft::default();
    for number in 0..n_rows {
        writer.write(&row(&mut draft, number)?)?;
    }
    writer.finish()?.flush()?;
    Ok(())
}

/// A row with a prompt of about 300 bytes, of which one in twenty thousand prompts shares the words.
fn row(draft: &mut Draft, number: u64) -> Result<OutcomeRow, Box<dyn Error>> {
    const WORDS: [&str; 16] = [
        "signal",
        "points",
        "wagon",
        "depot",
        "gauge",
        "platform",
        "junction",
        "sleeper",
        "ballast",
        "lever",
        "buffer",
        "turntable",
        "siding",
        "bogie",
        "coupling",
        "lamp",
    ];
    let (prompt, model) = (number / N_MODELS, number % N_MODELS);
    let mut text = format!("How many of the {prompt} wagons reach the yard if ");
    let mut state = prompt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = usize::try_from(state >> 60)?;
        text.push_str(WORDS[word]);
        text.push(' ');
    }
    for (column, cell) in [
        (Column::Source, Cell::Text("speed")),
        (Column::Dataset, Cell::Text("yard")),
        (Column::PromptId, Cell::Text(&prompt.to_string())),
        (Column::Prompt, Cell::Text(&text)),
        (Column::Model, Cell::Text(&format!("model-{model}"))),
        (Column::Quality, Cell::Flag(state.is_multiple_of(model + 2))),
        (Column::PromptTokens, Cell::Integer(i64::try_from(text.len())? / 4)),
        (Column::CompletionTokens, Cell::Integer(i64::try_from(state % 900)?)),
        (Column::CostUsd, Cell::Number(f64::from(u32::try_from(state % 1000)?) / 1e6)),
    ] {
        draft.set(column, cell)?;
    }
    Ok(draft.finish()?)
}
