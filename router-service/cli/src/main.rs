//! The one binary: arguments in, packages called, exit code out. Nothing is decided here.
//! Exit codes: 0 it went well, 1 it failed, 2 it was called wrongly.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod eval;
mod import;
mod progress;
mod sheet;
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
    /// Turn public or own results into outcome rows, and price lists into a catalog.
    Import(import::Arguments),
    /// Replay outcomes: what a router or a plain method would have saved, and at what quality.
    Eval(eval::Arguments),
    /// Set a policy's parameter so that a promise about lost quality holds, and say what it saves.
    Tune(Box<tune::Arguments>),
}

/// What the caller should have written instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct CalledWrongly(String);

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Import(arguments) => import::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // When nobody listens on the other end there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            if error.is::<CalledWrongly>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
