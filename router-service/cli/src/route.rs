//! `pointsman route`: one decision as a table, or a file of prompts to a file of decisions. The engine decides; here arguments become
//! questions, and decisions become text.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use decision::{Catalog, nearest};
use router_service::messages::{Conversation, MAX_TEXT_BYTES};

use crate::CalledWrongly;
use crate::router::{Router, Sources};

use line::DecisionLine;
use question::Question;

mod batch;
mod line;
mod question;
mod table;

const EXAMPLES: &str = "\
Examples:
  pointsman route \"Prove that the square root of 2 is irrational.\"
      who should answer, what everybody is expected to score and cost, and why
  pointsman route \"Name this bird.\" --needs vision --explain
      the same, with what would have changed the choice
  pointsman route --input prompts.jsonl --output decisions.jsonl
      a batch; `-` is standard input or output

A line of a batch is {\"id\": \"7\", \"prompt\": \"..\"} or {\"id\": \"7\", \"messages\": [..]}, and
where wanted \"candidates\": [\"a\", \"b\"], \"policy\": \"name\" and \"needs\": {\"tools\": true}.
A line that cannot be read gets a line with \"error\", the rest go on, and the exit
code is 1. docs/batch.md has every key.";

/// Arguments of `pointsman route`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The prompt; `-` reads it from standard input.
    #[arg(required_unless_present = "input", conflicts_with_all = ["input", "output"])]
    prompt: Option<String>,

    /// A batch of prompts, one JSON object a line; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Where the decisions go, one JSON object a line, in the order of the prompts; `-` is standard output. A file appears whole or
    /// not at all.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    /// The policy that decides, where a line of a batch does not name another; else the default one of the file.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,

    /// Policies; without them there is `balanced`, the cheapest model within 0.02 of the best.
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,

    #[command(flatten)]
    sources: Sources,

    /// Consider only these models.
    #[arg(long, value_name = "MODEL", value_delimiter = ',', conflicts_with = "input")]
    candidates: Vec<String>,

    /// What the prompt needs beyond text: tools, vision, json_schema, audio, documents.
    #[arg(long, value_name = "SKILL", value_delimiter = ',', conflicts_with = "input")]
    needs: Vec<String>,

    /// Show every model, and what would have changed the choice.
    #[arg(long, conflicts_with = "input")]
    explain: bool,

    /// Print the decision as one line of a batch.
    #[arg(long, conflicts_with = "input")]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let router = Router::read(&arguments.sources, arguments.policies.as_deref())?;
    router.policy(arguments.policy.as_deref()).map_err(|error| CalledWrongly(format!("--policy: {error}")))?;
    match (&arguments.input, &arguments.prompt) {
        (Some(input), _) => {
            let n_bad = batch::run(&router, arguments.policy.as_deref(), input, &arguments.output)?;
            Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        (None, Some(prompt)) => one(&router, arguments, prompt),
        (None, None) => Err(CalledWrongly("expected a prompt, or --input".to_owned()).into()),
    }
}

fn one(router: &Router, arguments: &Arguments, prompt: &str) -> anyhow::Result<ExitCode> {
    let wrongly = |complaint: String| anyhow::Error::from(CalledWrongly(complaint));
    let text = if prompt == "-" { standard_input()? } else { prompt.to_owned() };
    let conversation = Conversation::from_text("prompt", &text).map_err(|error| wrongly(error.to_string()))?;
    let mut question = Question::of(String::new(), &conversation);
    question.policy.clone_from(&arguments.policy);
    let given = |what: &str, error: String| wrongly(format!("--{what}: {error}"));
    question.needs_words(&arguments.needs).map_err(|error| given("needs", error))?;
    question.candidates_named(&arguments.candidates).map_err(|error| given("candidates", error))?;
    name_nearest(&router.catalog, &arguments.candidates)?;
    let forecast = router.forecast(std::slice::from_ref(&question.prompt)).remove(0);
    let policy = router.policy(question.policy.as_deref())?;
    let answer = router.decide(policy, &question.facts(None), forecast)?;
    if arguments.json {
        let line = DecisionLine::of(None, &answer, router.classifier.artifact().digest());
        writeln!(io::stdout(), "{}", serde_json::to_string(&line)?)?;
    } else {
        let table = table::text(router, &answer, arguments.explain);
        // Takes the colours out again where nobody looks at a terminal or somebody does not want them.
        anstream::stdout().write_all(table.as_bytes())?;
    }
    Ok(if answer.outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says of a name that the catalog does not have which one was probably meant. A service does not look for it: every name of every
/// request would be held beside every name there is.
fn name_nearest(catalog: &Catalog, names: &[String]) -> anyhow::Result<()> {
    let known = catalog.models().iter().map(|model| model.id.as_str());
    for name in names.iter().filter(|name| !known.clone().any(|known| known == name.as_str())) {
        if let Some(near) = nearest(name, known.clone()) {
            writeln!(io::stderr(), "--candidates: `{name}` is not in the catalog; the nearest there is `{near}`")?;
        }
    }
    Ok(())
}

fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(MAX_TEXT_BYTES)? + 1;
    io::stdin().take(limit).read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
