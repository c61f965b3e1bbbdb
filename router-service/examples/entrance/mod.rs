//! How a load generator begins and ends: it helps, it says what it did not understand, and its exit code is true.

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

/// Whatever went wrong.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Reads the arguments and runs, on so many threads.
pub(crate) fn enter<P, R>(
    usage: &str,
    n_threads: usize,
    read: impl FnOnce(&[String]) -> Result<P, String>,
    run: impl FnOnce(P) -> R,
) -> ExitCode
where
    R: Future<Output = Result<(), Failure>>,
{
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        // Whoever closes the pipe has read enough.
        let _ = writeln!(io::stdout(), "{usage}");
        return ExitCode::SUCCESS;
    }
    let plan = match read(&arguments) {
        Ok(plan) => plan,
        Err(complaint) => {
            let _ = writeln!(io::stderr(), "error: {complaint}\n{usage}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(n_threads).enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(plan))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}
