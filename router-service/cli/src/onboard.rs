//! `pointsman onboard`: lets a new model into an artifact from a few outcomes, or says on which prompts it should be run first.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use classifier::Prompt;
use classifier::artifact::{ENCODER, Parts};
use classifier::encoder::Encoder;
use classifier::lens::{Lens, Reading};
use decision::ModelId;
use serde_json::json;
use trainer::dataset::{Gathering, Lesson};
use trainer::onboard::{MAX_CANDIDATES, MIN_OUTCOMES, Outcome, onboard, suggest};
use trainer::publish::publish;
use training_data::split::{LearningPart, Part, Split, SplitError};
use training_data::{OutcomeRow, rows};

use crate::CalledWrongly;
use crate::kept::by_parts;
use crate::progress::Progress;

use arrival::{Arrival, PassedOver};

pub(crate) mod arrival;

const EXAMPLES: &str = "\
Examples:
  pointsman onboard --suggest 50 outcomes/
      the ids of the 50 prompts whose outcomes would tell most about a new model
  pointsman onboard new-model outcomes-of-new-model.jsonl -o artifact/
  pointsman onboard new-model outcomes-of-new-model.jsonl --artifact artifact/ -o artifact-2/ --like gpt-4o-2024-08-06

A prompt counts once, however many rows it has; what the artifact keeps for tuning and judging is passed over.
The other models' forecasts stay as they are, to the last bit. A model without any outcomes needs no onboarding: name one it
resembles, or its published scores, in the catalog (`like`, `benchmarks`).";

/// Arguments of `pointsman onboard`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The new model's name, then outcome rows: .parquet or .jsonl files, or folders of them. With --suggest no name, only rows.
    #[arg(required = true, value_name = "MODEL OUTCOMES")]
    model_and_outcomes: Vec<PathBuf>,

    /// The artifact to let it into. Without it, the one inside the binary.
    #[arg(long, value_name = "ARTIFACT")]
    artifact: Option<PathBuf>,

    /// Where to write the new artifact.
    #[arg(short, long, value_name = "ARTIFACT", required_unless_present = "suggest")]
    output: Option<PathBuf>,

    /// A model of the artifact that the new one resembles: its abilities are the start instead of the usual ones.
    #[arg(long, value_name = "MODEL", conflicts_with = "suggest")]
    like: Option<String>,

    /// List this many prompts that would tell most, best first, one id a line.
    #[arg(long, value_name = "NUMBER", conflicts_with = "output", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    suggest: Option<usize>,

    /// Pass over bad rows and count them, instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,

    /// Print what was done, or the suggested prompts, as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.suggest {
        Some(n) => list(arguments, n),
        None => let_in(arguments),
    }
}

fn list(arguments: &Arguments, n: usize) -> anyhow::Result<()> {
    let (parts, _) = artifact(arguments.artifact.as_deref())?;
    let split = by_parts(&parts)?;
    let mut prompts = Prompts { read: BTreeMap::new(), most: MAX_CANDIDATES, n_passed_over: 0 };
    let progress = Progress::open_ended("reading", "rows");
    let mut passed_over = PassedOver::default();
    let mut rows = rows::read(&arguments.model_and_outcomes, arguments.skip_bad)?;
    for (at, row) in rows.by_ref().enumerate() {
        progress.at(at);
        let row = row?;
        if row.judging_only {
            passed_over.n_judging_only += 1;
        } else if is_kept(&split, &row) {
            passed_over.n_kept += 1;
        } else {
            prompts.add(&row, |text| read(&parts.lens, text));
        }
    }
    progress.end();
    passed_over.n_bad = rows.drops().n_rows();
    for line in passed_over.lines() {
        writeln!(io::stderr(), "passed over: {line}")?;
    }
    if prompts.read.is_empty() {
        bail!("expected outcome rows with the text of their prompts, found none");
    }
    if prompts.n_passed_over > 0 {
        let note = "rows of other prompts were passed over";
        writeln!(io::stderr(), "chosen from the first {} prompts; {} {note}", prompts.most, prompts.n_passed_over)?;
    }
    let readings: Vec<&Reading> = prompts.read.values().collect();
    let ids: Vec<&String> = prompts.read.keys().collect();
    let asked: Vec<&String> = suggest(&parts, &readings, n).into_iter().map(|place| ids[place]).collect();
    let text = if arguments.json {
        serde_json::to_string_pretty(&json!({"prompts": asked}))? + "\n"
    } else {
        asked.into_iter().flat_map(|id| [id.as_str(), "\n"]).collect()
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Different prompts by id, so many and no more.
struct Prompts<R> {
    read: BTreeMap<String, R>,
    most: usize,
    n_passed_over: u64,
}

impl<R> Prompts<R> {
    fn add(&mut self, row: &OutcomeRow, read: impl FnOnce(&str) -> R) {
        let id = format!("{}/{}/{}", row.source, row.dataset, row.prompt_id);
        let Some(text) = row.prompt.as_deref().filter(|_| !self.read.contains_key(&id)) else { return };
        if self.read.len() == self.most {
            self.n_passed_over += 1;
        } else {
            self.read.insert(id, read(text));
        }
    }
}

fn let_in(arguments: &Arguments) -> anyhow::Result<()> {
    let [model, files @ ..] = arguments.model_and_outcomes.as_slice() else {
        unreachable!("clap asks for at least one")
    };
    let model = model.to_string_lossy().into_owned();
    if files.is_empty() {
        bail!(CalledWrongly(format!("expected a model and its outcomes, found only `{model}`")));
    }
    let output = arguments.output.as_deref().context("-o: expected a folder for the artifact, found none")?;
    ModelId::new(&model).map_err(|error| CalledWrongly(format!("MODEL: {error}")))?;
    let (mut parts, encoder) = artifact(arguments.artifact.as_deref())?;
    let Found { gathering, mut passed_over, others } = Found::read(arguments, files, &model, &parts)?;
    passed_over.n_textless = gathering.n_textless();
    let n_ambiguous = gathering.n_ambiguous();
    let outcomes = gathering.read(&parts.lens, |_| ()).prompts;
    let outcomes: Vec<Outcome> = outcomes.into_iter().filter_map(outcome).collect();
    let lines: Vec<String> = passed_over.lines().collect();
    if !lines.is_empty() && outcomes.len() < MIN_OUTCOMES {
        writeln!(io::stderr(), "passed over: {}", lines.join(", "))?;
    }
    if outcomes.is_empty() && !others.is_empty() {
        writeln!(io::stderr(), "rows of other models: {}", others.join(", "))?;
    }
    let replaced = parts.place(&model).map(|place| parts.models[place].n_outcomes);
    onboard(&mut parts, &model, &outcomes, arguments.like.as_deref())?;
    let arrival = Arrival {
        digest: publish(&parts, &encoder, output)?,
        output: output.to_owned(),
        n_outcomes: outcomes.len(),
        replaced,
        passed_over,
        n_ambiguous,
        in_catalog: classifier::built_in_catalog().models().iter().any(|known| known.id.as_str() == model),
        model,
    };
    let text = if arguments.json { arrival.json()? } else { arrival.table() };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// What the files hold of the new model: one outcome for each prompt, however many rows say it.
struct Found {
    gathering: Gathering,
    passed_over: PassedOver,
    /// Other models that the files have rows of, the first few.
    others: Vec<String>,
}

/// Other models that are named where there are no rows of the new one.
const MAX_OTHERS: usize = 3;

impl Found {
    fn read(arguments: &Arguments, files: &[PathBuf], model: &str, parts: &Parts) -> anyhow::Result<Self> {
        let split = by_parts(parts)?;
        let (mut gathering, mut passed_over, mut others) = (Gathering::default(), PassedOver::default(), Vec::new());
        let mut rows = rows::read(files, arguments.skip_bad)?;
        for row in rows.by_ref() {
            let row = row?;
            if *row.model != *model {
                if others.len() < MAX_OTHERS && !others.iter().any(|other| *other == *row.model) {
                    others.push(row.model.to_string());
                }
                continue;
            }
            if row.judging_only {
                bail!(SplitError::JudgingOnly { origin: row.source, prompt_id: row.prompt_id });
            }
            if is_kept(&split, &row) {
                passed_over.n_kept += 1;
            } else {
                gathering.add(&row)?;
            }
        }
        passed_over.n_bad = rows.drops().n_rows();
        Ok(Self { gathering, passed_over, others })
    }
}

/// Whether the artifact keeps such a row for tuning or judging. It stays unseen by newcomers, or both would be flattered from now on.
fn is_kept(split: &Split, row: &OutcomeRow) -> bool {
    matches!(split.part(row), Part::HeldOut | Part::Learning(LearningPart::Tune))
}

/// What came of a prompt.
fn outcome(lesson: Lesson) -> Option<Outcome> {
    let answer = lesson.answers.first()?;
    Some(Outcome {
        reading: lesson.reading,
        quality: answer.quality,
        output: answer.output,
        reasoning: answer.reasoning,
    })
}

fn read(lens: &Lens, text: &str) -> Reading {
    lens.read(&[Prompt::from_text(text)]).remove(0)
}

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;

/// The parts to change, and the files of the encoder that go with them.
fn artifact(folder: Option<&Path>) -> anyhow::Result<(Parts, Files)> {
    let parts = crate::router::artifact(folder)?.into_parts();
    let built_in = || {
        let files = classifier::artifact::built_in_encoder();
        files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
    };
    Ok((parts, folder.map_or_else(|| Ok(built_in()), |folder| encoder_files(&folder.join(ENCODER)))?))
}

/// The files of an encoder's folder, and of those inside it: how a BERT-family encoder pools stands in one of its own.
pub(crate) fn encoder_files(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for path in entries(folder)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            let within = entries(&path)?.into_iter().filter(|path| path.ends_with("config.json"));
            for path in within {
                files.push((format!("{name}/config.json"), contents(&path)?));
            }
        } else if name.ends_with(".json") || name.ends_with(".safetensors") {
            files.push((name, contents(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn contents(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// The encoder to train with, and its files.
pub(crate) fn encoder(folder: Option<&Path>) -> anyhow::Result<(Encoder, Files)> {
    let Some(folder) = folder else {
        let files = classifier::artifact::built_in_encoder();
        let encoder = Encoder::from_bytes(files[0].1, files[1].1, files[2].1)?;
        return Ok((encoder, files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()));
    };
    Ok((Encoder::read(folder)?, encoder_files(folder)?))
}

#[cfg(test)]
mod tests {
    //! What of an encoder goes into an artifact, and which prompts a suggestion is chosen from.

    use std::collections::BTreeMap;
    use std::fmt::Write;

    use training_data::rows;

    use super::{Prompts, encoder_files};

    #[test]
    fn prompts_beyond_the_limit_are_counted_and_not_read() {
        let mut lines = String::new();
        for (prompt, model) in [("a", "x"), ("a", "y"), ("b", "x"), ("c", "x"), ("b", "y"), ("c", "y")] {
            let row = r#"{"source": "s", "dataset": "d", "prompt_id": "PROMPT", "prompt": "Case PROMPT", "model": "MODEL", "quality": 1}"#;
            writeln!(lines, "{}", row.replace("PROMPT", prompt).replace("MODEL", model)).unwrap();
        }
        let file = std::env::temp_dir().join(format!("pointsman-suggest-from-{}.jsonl", std::process::id()));
        std::fs::write(&file, lines).unwrap();
        let mut prompts = Prompts { read: BTreeMap::new(), most: 2, n_passed_over: 0 };
        for row in rows::read(std::slice::from_ref(&file), false).unwrap() {
            prompts.add(&row.unwrap(), str::to_owned);
        }
        std::fs::remove_file(&file).unwrap();
        let read: Vec<(&str, &str)> = prompts.read.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        assert_eq!(read, [("s/d/a", "Case a"), ("s/d/b", "Case b")]);
        assert_eq!(prompts.n_passed_over, 2, "both rows of the third");
    }

    #[test]
    fn the_folder_that_says_how_to_pool_goes_along() {
        let folder = std::env::temp_dir().join(format!("pointsman-encoder-files-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
        for name in ["config.json", "README.md", "model.safetensors", "1_Pooling/config.json", "1_Pooling/notes.txt"] {
            std::fs::write(folder.join(name), name).unwrap();
        }
        let names: Vec<String> = encoder_files(&folder).unwrap().into_iter().map(|(name, _)| name).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(names, ["1_Pooling/config.json", "config.json", "model.safetensors"]);
    }
}
