//! A file of prompts to a file of decisions, in a bounded memory: lines are read in chunks, a chunk is answered by all cores, and
//! written in the order of its lines. Only under a budget is one line decided after another: what one spends the next one lacks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use decision::{BudgetState, Forecast, Mode, Policy, PolicyName};
use training_data::publish::Staged;

use super::line::{DecisionLine, ErrorLine};
use super::question::{BadLine, Question};
use crate::apart::apart;
use crate::progress::Progress;
use crate::router::Router;

/// The longest line, as in every other file of ours.
pub(super) const MAX_LINE_BYTES: usize = training_data::jsonl::MAX_LINE_BYTES;

/// Lines of a chunk: enough to keep cores busy, few enough to hear of the first decisions soon.
const CHUNK_LINES: usize = 512;

/// Forecasts of a chunk, for catalogs of thousands of models: about twenty megabytes of output.
const CHUNK_FORECASTS: usize = 200_000;

/// Bytes of a chunk, for prompts that are long; the last line may go beyond.
const CHUNK_BYTES: usize = 8 << 20;

/// A line as it was read: its number from 1, and its bytes unless it is too long.
type Numbered = (u64, Option<Vec<u8>>);

/// What a core makes of a line.
enum Worked {
    /// The line of the output.
    Done(Vec<u8>),
    /// A question under a budget, to be decided in its turn.
    Waits(Box<Question>, Forecast),
    /// What is wrong with it.
    Bad(BadLine),
}

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
        apart(output, input.is_file().then(|| input.to_owned()).iter())?;
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
    let most = (CHUNK_FORECASTS / router.catalog.models().len()).clamp(1, CHUNK_LINES);
    let mut lines = Lines { from: lines, number: 0 };
    let mut desk = Desk { router, policy, budgets: BTreeMap::new() };
    let (mut n_lines, mut n_bad) = (0_u64, 0);
    let progress = Progress::open_ended("routing", "prompts");
    loop {
        let chunk = lines.chunk(most).with_context(|| input.display().to_string())?;
        if chunk.is_empty() {
            break;
        }
        for ((number, _), worked) in chunk.iter().zip(desk.work(&chunk)) {
            n_lines += 1;
            let line = match worked {
                Worked::Done(line) => Ok(line),
                Worked::Waits(question, forecast) => desk.decide_next(&question, forecast),
                Worked::Bad(bad) => Err(bad),
            };
            n_bad += u64::from(line.is_err());
            target.write_all(&line.or_else(|bad| bad.line(*number))?)?;
        }
        progress.at(usize::try_from(n_lines)?);
    }
    progress.end();
    Ok((n_lines, n_bad))
}

/// Where decisions are made.
struct Desk<'a> {
    router: &'a Router,
    policy: Option<&'a str>,
    /// What is left under each policy with a budget.
    budgets: BTreeMap<PolicyName, BudgetState>,
}

impl Desk<'_> {
    /// Works on the lines of a chunk on all cores; they come back in their order.
    fn work(&self, chunk: &[Numbered]) -> Vec<Worked> {
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = chunk.len().div_ceil(n_threads).max(1);
        std::thread::scope(|scope| {
            let threads: Vec<_> = chunk.chunks(share).map(|lines| scope.spawn(|| self.work_on(lines))).collect();
            let done = threads.into_iter().map(|thread| thread.join().expect("no line makes a thread panic"));
            done.flatten().collect()
        })
    }

    fn work_on(&self, lines: &[Numbered]) -> Vec<Worked> {
        let read = |(_, line): &Numbered| match line {
            Some(line) => Question::parse(line),
            None => {
                let complaint = format!("expected a line of at most {MAX_LINE_BYTES} bytes, found a longer one");
                Err(BadLine { id: None, complaint })
            }
        };
        let questions: Vec<Result<Question, BadLine>> = lines.iter().map(read).collect();
        let prompts: Vec<_> = questions.iter().flatten().map(|question| question.prompt.clone()).collect();
        let mut forecasts = self.router.forecast(&prompts).into_iter();
        let answer = |question: Result<Question, BadLine>| {
            let question = match question {
                Ok(question) => question,
                Err(bad) => return Worked::Bad(bad),
            };
            let forecast = forecasts.next().expect("there is a forecast a prompt");
            match self.policy_of(&question) {
                Ok(policy) if matches!(policy.rules().mode, Mode::Budget { .. }) => {
                    Worked::Waits(Box::new(question), forecast)
                }
                Ok(policy) => match self.decide(&question, policy, None, forecast) {
                    Ok((line, _)) => Worked::Done(line),
                    Err(bad) => Worked::Bad(bad),
                },
                Err(bad) => Worked::Bad(bad),
            }
        };
        questions.into_iter().map(answer).collect()
    }

    fn policy_of(&self, question: &Question) -> Result<&Policy, BadLine> {
        let named = question.policy.as_deref().or(self.policy);
        self.router.policy(named).map_err(|error| question.bad(format!("policy: {error}")))
    }

    /// Decides a question whose turn has come, and keeps what is left of its budget.
    fn decide_next(&mut self, question: &Question, forecast: Forecast) -> Result<Vec<u8>, BadLine> {
        let policy = self.policy_of(question)?;
        let (line, budget) = self.decide(question, policy, self.budgets.get(policy.name()).copied(), forecast)?;
        let name = policy.name().clone();
        self.budgets.extend(budget.map(|budget| (name, budget)));
        Ok(line)
    }

    fn decide(
        &self,
        question: &Question,
        policy: &Policy,
        budget: Option<BudgetState>,
        forecast: Forecast,
    ) -> Result<(Vec<u8>, Option<BudgetState>), BadLine> {
        let answer = self.router.decide(policy, &question.facts(budget), forecast);
        let answer = answer.map_err(|error| question.bad(format!("candidates: {error}")))?;
        let line = DecisionLine::of(Some(&question.id), &answer, self.router.classifier.artifact().digest());
        let line = as_line(&line).map_err(|error| question.bad(error.to_string()))?;
        Ok((line, answer.budget()))
    }
}

impl BadLine {
    fn line(&self, number: u64) -> serde_json::Result<Vec<u8>> {
        as_line(&ErrorLine { id: self.id.as_deref(), error: format!("line {number}, {}", self.complaint) })
    }
}

fn as_line(line: &impl serde::Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Some editors open a file with it; it is not part of the text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of an input, each bounded.
struct Lines {
    from: Box<dyn BufRead>,
    number: u64,
}

impl Lines {
    /// The next lines that are not blank.
    fn chunk(&mut self, most: usize) -> io::Result<Vec<Numbered>> {
        let (mut chunk, mut n_bytes) = (Vec::new(), 0);
        while chunk.len() < most && n_bytes < CHUNK_BYTES {
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
        let mark = if self.number == 0 { MARK.len() } else { 0 };
        let limit = u64::try_from(MAX_LINE_BYTES + mark).unwrap_or(u64::MAX) + 1;
        io::Read::take(&mut self.from, limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mark = if line.starts_with(MARK) { mark } else { 0 };
        // What was cut off has its rest to come, whatever is taken from its beginning.
        let is_whole = line.len() <= MAX_LINE_BYTES + mark || line.ends_with(b"\n");
        line.drain(..mark);
        if is_whole {
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
