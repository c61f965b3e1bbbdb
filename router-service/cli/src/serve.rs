//! `pointsman serve`: starts the service and says on the terminal how to try it. The service itself is `router-service`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use router_service::config::ProviderRule;
use router_service::telemetry::Telemetry;
use router_service::{Pipeline, Server, Settings, Signals};

const EXAMPLES: &str = "\
Examples:
  pointsman serve
      gRPC on 127.0.0.1:50051 and HTTP on 127.0.0.1:8080, with the models and the artifact inside the binary
  pointsman serve --config pointsman.toml
      the same by your own catalog, policies, artifact, limits and certificates; docs/serving.md lists the keys
  POINTSMAN__HTTP__LISTEN=0.0.0.0:80 pointsman serve
      any key of the configuration can be overridden from the environment

SIGTERM and SIGINT drain and end it, a second one ends it at once; SIGHUP reads catalog, policies and artifact anew.";

/// After how many turns at most a thread of connections looks for those whose forecasts are there, which other threads made. At the
/// runtime's own 61 they waited behind every connection that had something to read: of 256 callers over HTTP one in a hundred
/// waited 71 ms instead of 58.
const FORECASTS_HEARD_EVERY: u32 = 4;

/// How long outcomes, spans and log lines that still wait may take to get out once everything else has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Arguments of `pointsman serve`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The configuration, TOML. Without it everything is built in.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(arguments.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.worker_threads)
        .global_queue_interval(FORECASTS_HEARD_EVERY)
        .enable_all()
        .build()
        .context("threads for connections")?;
    let code = runtime.block_on(serve(settings))?;
    // Whoever still reads a file for a reload is not waited for.
    runtime.shutdown_background();
    Ok(code)
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let pipeline = Arc::new(Pipeline::start(&settings)?);
    let colour = io::stderr().is_terminal();
    let telemetry = Telemetry::start(&settings.telemetry(colour), &pipeline.metrics, io::stderr())?;
    let telemetry = Arc::new(telemetry);
    pipeline.tell_what_is_amiss();
    let signals = Signals::listen(&pipeline).context("signals")?;
    let welcome = Welcome {
        built_in: settings.sources.artifact.is_none(),
        tls: settings.tls.is_some(),
        providers: providers(&settings.forwarding.providers),
    };
    let open = settings.callers.is_empty() && !settings.http_listen.ip().is_loopback();
    let server = Server::bind(settings, Arc::clone(&pipeline), Some(Arc::clone(&telemetry))).await?;
    // A closed standard output is no reason not to serve.
    let _ = welcome.print(&server, &pipeline);
    if open {
        let warning = "warning: anybody who can reach this address may call; list callers in the configuration";
        let _ = writeln!(io::stderr(), "{warning}");
    }
    let served = tokio::select! {
        served = server.serve(signals.stops(1)) => Some(served),
        () = signals.stops(2) => None,
    };
    let Some(served) = served else {
        let _ = writeln!(io::stderr(), "ended at once by a second signal");
        return Ok(ExitCode::FAILURE);
    };
    served?;
    tokio::task::spawn_blocking(move || {
        pipeline.close(LAST_WORDS);
        telemetry.shut_down(LAST_WORDS)
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Who answers calls, and who cannot.
fn providers(rules: &[ProviderRule]) -> String {
    let one = |rule: &ProviderRule| match &rule.unusable {
        None => rule.name.clone(),
        Some(why) => format!("{} (not used: {why})", rule.name),
    };
    let all: Vec<String> = rules.iter().map(one).collect();
    match rules.iter().any(|rule| rule.unusable.is_none()) {
        true => all.join(", "),
        false if all.is_empty() => "none; calls are answered by the built-in echo".to_owned(),
        false => format!("{}; calls are answered by the built-in echo", all.join(", ")),
    }
}

/// What the first start says.
struct Welcome {
    built_in: bool,
    tls: bool,
    providers: String,
}

impl Welcome {
    fn print(&self, server: &Server, pipeline: &Pipeline) -> io::Result<()> {
        let snapshot = pipeline.snapshot();
        let (scheme, insecure) = if self.tls { ("https", " --insecure") } else { ("http", "") };
        let origin = if self.built_in { " (built in)" } else { "" };
        let policies: Vec<&str> = snapshot.policies.iter().map(|policy| policy.name().as_str()).collect();
        let mut out = io::stdout().lock();
        writeln!(out, "pointsman {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "  gRPC      {}", server.grpc_address)?;
        writeln!(out, "  HTTP      {scheme}://{}", server.http_address)?;
        writeln!(out, "  artifact  {}{origin}", snapshot.artifact)?;
        let unknown = match snapshot.classifier.unknown().count() {
            0 => String::new(),
            n => format!(" ({n} of them unknown to the artifact)"),
        };
        writeln!(out, "  models    {}{unknown}", snapshot.catalog.models().len())?;
        writeln!(out, "  policies  {} (default {})", policies.join(", "), snapshot.policies.default_policy().name())?;
        writeln!(out, "  providers {}", self.providers)?;
        writeln!(out, "try")?;
        let body = r#"{"prompt": "Which of two trains arrives first?"}"#;
        writeln!(out, "  curl -s{insecure} {scheme}://{}/v1/route -d '{body}'", server.http_address)?;
        let body = r#"{"model": "auto", "messages": [{"role": "user", "content": "Which train?"}]}"#;
        writeln!(out, "  curl -s{insecure} {scheme}://{}/v1/chat/completions -d '{body}'", server.http_address)?;
        out.flush()
    }
}
