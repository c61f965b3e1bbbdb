//! `pointsman distill`: a large sentence encoder to the small table that artifacts carry. The work is done by `trainer`;
//! here arguments become a call, and what came of it becomes text.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use trainer::distill::{self, DIMS, DistillError, Distilled, Stage, prompts};
use training_data::rows;
use training_data::split::{Shares, Split};

use crate::CalledWrongly;
use crate::progress::Progress;
use crate::sheet::{Sheet, count};

const EXAMPLES: &str = "\
Examples:
  pointsman distill all-MiniLM-L6-v2/ -o encoder/
  pointsman distill all-MiniLM-L6-v2/ -o encoder/ --corpus outcomes/ --dims 64";

/// Arguments of `pointsman distill`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The teacher: a BERT-family directory with config.json, tokenizer.json and model.safetensors.
    #[arg(value_name = "TEACHER_DIR")]
    teacher: PathBuf,

    /// Where to write: a folder for encoder.json, encoder.safetensors and tokenizer.json.
    #[arg(short, long, value_name = "ENCODER_DIR")]
    output: PathBuf,

    /// Outcomes (.parquet, .jsonl, or folders of them) whose prompts say how common each word piece is. Held-out rows are
    /// passed over. Without, the order of the vocabulary says it.
    #[arg(long, value_name = "OUTCOMES", num_args = 1..)]
    corpus: Vec<PathBuf>,

    /// Numbers for each word piece.
    #[arg(long, value_name = "NUMBER", default_value_t = DIMS)]
    dims: usize,

    /// The salt of the split that says which rows are held out; take that of the training to come.
    #[arg(long, value_name = "TEXT", default_value = "pointsman", requires = "corpus")]
    salt: String,

    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut stages = Stages::default();
    let mut progress = |stage| stages.show(stage);
    let distilled = if arguments.corpus.is_empty() {
        distill::distill(&arguments.teacher, arguments.dims, None, &mut progress)
    } else {
        let split = Split::new(&arguments.salt, Shares::default())?;
        let rows = rows::read(&arguments.corpus, false)?;
        let mut prompts = prompts(&split, rows);
        distill::distill(&arguments.teacher, arguments.dims, Some(&mut prompts), &mut progress)
    };
    stages.end();
    let distilled = match distilled {
        Err(error @ DistillError::Dims { .. }) => return Err(CalledWrongly(format!("--dims: {error}")).into()),
        distilled => distilled?,
    };
    distilled.publish(&arguments.output)?;
    say(&if arguments.json { report(arguments, &distilled)? } else { table(arguments, &distilled) })
}

/// One bar at a time, for the stage that is on.
#[derive(Default)]
struct Stages {
    prompts: Option<Progress>,
    pieces: Option<Progress>,
}

impl Stages {
    fn show(&mut self, stage: Stage) {
        match stage {
            Stage::Prompts { n_done } => {
                self.prompts.get_or_insert_with(|| Progress::open_ended("counting word pieces", "prompts")).at(n_done);
            }
            Stage::Pieces { n_done, n_pieces } => {
                self.prompts.take().into_iter().for_each(Progress::end);
                self.pieces.get_or_insert_with(|| Progress::counted("embedding word pieces", n_pieces)).at(n_done);
            }
            Stage::Components => self.pieces.take().into_iter().for_each(Progress::end),
        }
    }

    fn end(self) {
        self.prompts.into_iter().chain(self.pieces).for_each(Progress::end);
    }
}

fn report(arguments: &Arguments, distilled: &Distilled) -> anyhow::Result<String> {
    let census = distilled.census.map(|census| json!({"n_prompts": census.n_prompts, "n_ids": census.n_ids}));
    let report = json!({
        "output": arguments.output,
        "teacher": distilled.teacher,
        "licence": distilled.licence,
        "n_pieces": distilled.n_pieces,
        "dims": distilled.dims,
        "variance_kept": distilled.variance_kept,
        "corpus": census,
        "n_bytes": distilled.n_bytes(),
    });
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn table(arguments: &Arguments, distilled: &Distilled) -> String {
    let mut sheet = Sheet::default();
    sheet.line("written", arguments.output.display().to_string());
    sheet.line("teacher", distilled.teacher.clone());
    let unknown = "not stated: see to it before you pass the table on";
    sheet.line("licence", distilled.licence.clone().unwrap_or_else(|| unknown.to_owned()));
    sheet.line("word pieces", count(distilled.n_pieces as u64));
    sheet.line("dimensions", distilled.dims.to_string());
    sheet.line("variance kept", format!("{:.1} %", distilled.variance_kept * 100.0));
    sheet.line(
        "frequencies",
        match distilled.census {
            Some(census) => {
                let (n_ids, n_prompts) = (count(census.n_ids), count(census.n_prompts as u64));
                format!("of {n_ids} pieces in {n_prompts} prompts")
            }
            None => "by rank in the vocabulary".to_owned(),
        },
    );
    sheet.line("bytes", count(distilled.n_bytes() as u64));
    sheet.text()
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}
