//! A file of prompts to a file of decisions, in a bounded memory: lines are read in chunks, a chunk is forecast by all cores, and
//! decided and written in the order of its lines. Decisions are made one after another, since a budget is spent by one to be
//! missed by the next.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use decision::{BudgetState, Forecast, PolicyName};
use training_data::publish::Staged;

use super::line::{DecisionLine, ErrorLine};
use super::question::{BadLine, Question};
use crate::progress::Progress;
use crate::router::Router;

/// The longest line, as in every other file of ours.
pub(super) const MAX_LINE_BYTES: usize = training_data::jsonl::MAX_LINE_BYTES;

/// Lines of a chunk: enough to keep cores busy, few enough to hear of the first decisions soon.
const CHUNK_LINES: usize = 512;

/// Bytes of a chunk, for prompts that are long; the last line may go beyond.
const CHUNK_BYTES: usize = 8 << 20;

/// A line as it was read: its number from 1, and its bytes unless it is too long.
type Numbered = (u64, Option<Vec<u8>>);

/// A question with its forecast, or what is wrong with the line.
type Forecasted = Result<(Question, Forecast), BadLine>;

/// Runs a batch. Says how many lines could not be read.
pub(super) fn run(router: &Router, policy: Option<&str>, input: &Path, output: &Path) -> anyhow::Result<u64> {
    let lines: Box<dyn BufRead> = if input == Path::new("-") {
        Box::new(BufReader::with_capacity(1 << 18, io::stdin()))
    } else {
        let file = File::open(input).with_context(|| input.display().to_string())?;
        // A folder opens, and only tells by its reading that it is one.
        Box::new(BufReader::with_capacity(1 << 18, file))
    };
    let place = || output.display().to_string();
    let (n_lines, n_bad) = if output == Path::new("-") {
        let mut target = BufWriter::with_capacity(1 << 18, io::stdout().lock());
        let counts = decide_all(router, policy, lines, &mut target, input)?;
        target.flush()?;
        counts
    } else {
        let mut staged = Staged::create(output).with_context(place)?;
        let counts = decide_all(router, policy, lines, &mut staged, input)?;
        staged.publish().with_context(place)?;
        counts
    };
    if n_bad > 0 {
        // When nobody listens there, the exit code still says so.
        let _ =
            writeln!(io::stderr(), "{n_bad} of {n_lines} lines could not be read; each has an `error` in the output");
    }
    Ok(n_bad)
}

fn decide_all(
    router: &Router,
    policy: Option<&str>,
    lines: Box<dyn BufRead>,
    target: &mut dyn Write,
    input: &Path,
) -> anyhow::Result<(u64, u64)> {
    let mut lines = Lines { from: lines, number: 0 };
    let mut desk = Desk { router, policy, budgets: BTreeMap::new() };
    let (mut n_lines, mut n_bad) = (0_u64, 0);
    let progress = Progress::open_ended("routing", "prompts");
    loop {
        let chunk = lines.chunk().with_context(|| input.display().to_string())?;
        if chunk.is_empty() {
            break;
        }
        for ((number, _), forecasted) in chunk.iter().zip(forecast(router, &chunk)) {
            n_lines += 1;
            n_bad += u64::from(!desk.answer(*number, forecasted, target)?);
        }
        progress.at(usize::try_from(n_lines)?);
    }
    progress.end();
    Ok((n_lines, n_bad))
}

/// Where decisions are made, one after another.
struct Desk<'a> {
    router: &'a Router,
    policy: Option<&'a str>,
    /// What is left under each policy with a budget.
    budgets: BTreeMap<PolicyName, Option<BudgetState>>,
}

impl Desk<'_> {
    /// Writes the answer to a line. False if the line could not be read.
    fn answer(&mut self, number: u64, line: Forecasted, target: &mut dyn Write) -> anyhow::Result<bool> {
        match line.and_then(|(question, forecast)| self.decide(question, forecast, target)) {
            Ok(written) => written.map(|()| true),
            Err(BadLine { id, complaint }) => {
                let error = ErrorLine { id: id.as_deref(), error: format!("line {number}, {complaint}") };
                write_line(target, &error).map(|()| false)
            }
        }
    }

    fn decide(
        &mut self,
        question: Question,
        forecast: Forecast,
        target: &mut dyn Write,
    ) -> Result<anyhow::Result<()>, BadLine> {
        let named = question.policy.as_deref().or(self.policy);
        let bad = |complaint: String| BadLine { id: Some(question.id.clone()), complaint };
        let policy = self.router.policy(named).map_err(|error| bad(format!("policy: {error}")))?;
        let budget = self.budgets.get(policy.name()).copied().flatten();
        let answer = self.router.decide(policy, &question.facts(budget), forecast);
        let answer = answer.map_err(|error| bad(format!("candidates: {error}")))?;
        if let Some(budget) = answer.budget() {
            self.budgets.insert(policy.name().clone(), Some(budget));
        }
        let artifact = self.router.classifier.artifact().digest();
        Ok(write_line(target, &DecisionLine::of(Some(&question.id), &answer, artifact)))
    }
}

fn write_line(target: &mut dyn Write, line: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    target.write_all(&bytes)?;
    Ok(())
}

/// Reads and forecasts the lines of a chunk on all cores; they come back in their order.
fn forecast(router: &Router, chunk: &[Numbered]) -> Vec<Forecasted> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = chunk.len().div_ceil(n_threads).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            chunk.chunks(share).map(|lines| scope.spawn(move || forecast_some(router, lines))).collect();
        let done = threads.into_iter().map(|thread| thread.join().expect("a forecast does not panic"));
        done.flatten().collect()
    })
}

fn forecast_some(router: &Router, lines: &[Numbered]) -> Vec<Forecasted> {
    let read = |(_, line): &Numbered| match line {
        Some(line) => Question::parse(line),
        None => {
            let complaint = format!("expected a line of at most {MAX_LINE_BYTES} bytes, found a longer one");
            Err(BadLine { id: None, complaint })
        }
    };
    let questions: Vec<Result<Question, BadLine>> = lines.iter().map(read).collect();
    let prompts: Vec<_> = questions.iter().flatten().map(|question| question.conversation.prompt()).collect();
    let mut forecasts = router.forecast(&prompts).into_iter();
    let with_forecast = |question: Result<Question, BadLine>| {
        question.map(|question| (question, forecasts.next().expect("there is a forecast a prompt")))
    };
    questions.into_iter().map(with_forecast).collect()
}

/// The lines of an input, each bounded.
struct Lines {
    from: Box<dyn BufRead>,
    number: u64,
}

impl Lines {
    /// The next lines that are not blank.
    fn chunk(&mut self) -> io::Result<Vec<Numbered>> {
        let (mut chunk, mut n_bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK_LINES && n_bytes < CHUNK_BYTES {
            let Some(line) = self.next()? else { break };
            n_bytes += line.as_ref().map_or(0, Vec::len);
            let blank = line.as_ref().is_some_and(|line| line.trim_ascii().is_empty());
            if !blank {
                chunk.push((self.number, line));
            }
        }
        Ok(chunk)
    }

    /// The next line; nothing in its place if it is too long. Its rest is then passed over.
    fn next(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX) + 1;
        io::Read::take(&mut self.from, limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3); // Some editors open a file with this mark; it is not part of the text.
        }
        if line.len() <= MAX_LINE_BYTES || line.ends_with(b"\n") {
            return Ok(Some(Some(line)));
        }
        loop {
            let rest = self.from.fill_buf()?;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let n_bytes = end.map_or(rest.len(), |at| at + 1);
            self.from.consume(n_bytes);
            if end.is_some() || n_bytes == 0 {
                return Ok(Some(None));
            }
        }
    }
}
