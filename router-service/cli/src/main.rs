//! The one binary: arguments in, packages called, exit code out. Nothing is decided here.
//! Exit codes: 0 it went well, 1 it failed, 2 it was called wrongly.

use std::process::ExitCode;

use clap::Parser;

/// The learned router for language models: the cheapest model that is likely to succeed.
#[derive(Parser)]
#[command(name = "pointsman", version, arg_required_else_help = true)]
struct Arguments {}

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    ExitCode::SUCCESS
}
