//! The one binary: arguments in, packages called, exit code out. Nothing is decided here.
//! Exit codes: 0 it went well, 1 it failed, 2 it was called wrongly.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod apart;
mod check;
mod distill;
mod eval;
mod import;
mod kept;
mod models;
mod onboard;
mod probe;
mod progress;
mod route;
mod router;
mod serve;
mod sheet;
mod train;
mod tune;

/// The learned router for language models: the cheapest model that is likely to succeed.
#[derive(Parser)]
#[command(name = "pointsman", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Decide over gRPC and HTTP which model should answer; works without a configuration.
    Serve(serve::Arguments),
    /// Read everything that serve would, bind nothing, and print the effective settings.
    Check(check::Arguments),
    /// Turn public or own results into outcome rows, and price lists into a catalog.
    Import(import::Arguments),
    /// Replay outcomes: what a router or a plain method would have saved, and at what quality.
    Eval(eval::Arguments),
    /// Learn an artifact from outcomes, and report what it is worth on prompts it had not seen.
    Train(train::Arguments),
    /// Let a new model into an artifact from a few outcomes, or say which prompts to run it on.
    Onboard(onboard::Arguments),
    /// Measure how often harmless words around a prompt change the choice.
    Probe(probe::Arguments),
    /// Make the small table of word pieces that artifacts carry out of a large sentence encoder.
    Distill(distill::Arguments),
    /// Decide which model should answer a prompt, or a file of prompts.
    Route(route::Arguments),
    /// The catalog: prices, limits, skills, and how much evidence stands behind each model.
    Models(models::Arguments),
    /// Set a policy's parameter so that a promise about lost quality holds, and say what it saves.
    Tune(Box<tune::Arguments>),
}

/// What the caller should have written instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct CalledWrongly(String);

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => check::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Import(arguments) => import::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Train(arguments) => train::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Onboard(arguments) => onboard::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Probe(arguments) => probe::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Distill(arguments) => distill::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Route(arguments) => route::run(&arguments),
        Command::Models(arguments) => models::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Tune(arguments) => tune::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if has_no_reader(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // When nobody listens on the other end there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {}", told(&error));
            if error.is::<CalledWrongly>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Whether it is about standard output alone, which whoever read it closed: they had seen enough. Files and sockets are named by their errors.
fn has_no_reader(error: &anyhow::Error) -> bool {
    let is_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().count() == 1 && error.downcast_ref::<io::Error>().is_some_and(is_pipe)
}

/// An error with its causes, each told once: many an error names its cause itself, and some leave it to whoever prints them.
fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    //! No cause is lost, and none is told twice; a reader who leaves is no error, a file that breaks is.

    use std::io;

    use anyhow::anyhow;

    use super::{has_no_reader, told};

    #[derive(Debug, thiserror::Error)]
    #[error("f.toml: {source}")]
    struct Named {
        source: io::Error,
    }

    #[test]
    fn each_cause_is_told_once() {
        let named = || Named { source: io::Error::other("torn") };
        assert_eq!(told(&anyhow!(named())), "f.toml: torn");
        assert_eq!(told(&anyhow!(named()).context("rows")), "rows: f.toml: torn");
        assert_eq!(told(&anyhow!("torn").context("f.toml")), "f.toml: torn");
        assert_eq!(told(&anyhow!("alone")), "alone");
    }

    #[test]
    fn only_the_bare_error_of_a_closed_pipe_is_a_reader_who_left() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(has_no_reader(&closed().into()));
        assert!(!has_no_reader(&anyhow!(closed()).context("rows.jsonl")));
        assert!(!has_no_reader(&Named { source: closed() }.into()));
        assert!(!has_no_reader(&io::Error::other("torn").into()));
    }
}
