//! What a model is worth that came late: it is taken out of an artifact, let in again from a few outcomes or from the name of a
//! relative, and its forecasts of prompts that the artifact never saw are judged by their Brier score. The nets and the forest
//! did see the model, as one of many; its own numbers they did not keep.
//!
//! `cargo run --release -p pointsman --example newcomers -- ARTIFACT PLAN OUTCOMES [OUTCOMES_GIVEN]`, with the plan that the
//! artifact was trained by: its held-out prompts are used, two thirds to give outcomes from and one third to judge on.

use std::io::{Write, stdout};
use std::path::Path;

use classifier::Artifact;
use classifier::artifact::Parts;
use classifier::lens::Reading;
use classifier::manner::n_kinds;
use trainer::dataset::{Dataset, Lesson};
use trainer::onboard::{Outcome, onboard, suggest};
use trainer::plan::Plan;

use kept_back::{Failure, forecast, heard, held_out};

mod kept_back;

/// Models that are let in anew: those with the most held-out prompts, each of another family.
const N_MODELS: usize = 10;

/// Times that each is let in, from other outcomes each time.
const N_DRAWS: usize = 5;

/// Outcomes that a newcomer is given, where nothing else is asked.
const N_GIVEN: usize = 50;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [artifact, plan, outcomes, rest @ ..] = arguments.as_slice() else {
        return Err("expected ARTIFACT PLAN OUTCOMES".into());
    };
    let n_given = rest.first().map_or(Ok(N_GIVEN), |number| number.parse())?;
    let plan = Plan::from_toml(&std::fs::read_to_string(plan)?)?;
    let folder = Path::new(artifact);
    let full = Artifact::read(folder)?.into_parts();
    let town = held_out(&full, &plan, outcomes)?;
    let mut out = stdout().lock();
    writeln!(
        out,
        "{:34} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}  like",
        "model", "prompts", "trained", "given", "suggested", "like", "others"
    )?;
    let mut sums = [0.0; 5];
    let chosen = chosen(&town, &full);
    for model in &chosen {
        let trial = Trial::new(&town, model, n_given);
        let like = relative(model, &full);
        let own = |parts: &Parts, name: &str| trial.brier(|reading| quality(parts, name, reading));
        let mut without = Artifact::read(folder)?.into_parts();
        leave_out(&mut without, model);
        let others = trial.brier(|reading| mean_of(&without, &trial.rivals, reading));
        let by_name = own(&without, &like);
        let (mut given, mut suggested) = (0.0, 0.0);
        for draw in 0..N_DRAWS {
            for (sum, outcomes) in
                [(&mut given, trial.outcomes(draw)), (&mut suggested, trial.suggested(&without, draw))]
            {
                onboard(&mut without, model, &outcomes, None)?;
                *sum += own(&without, model) / N_DRAWS as f64;
                leave_out(&mut without, model);
            }
        }
        let found = [own(&full, model), given, suggested, by_name, others];
        writeln!(out, "{model:34} {:>7} {}  {like}", trial.judged.len(), columns(found))?;
        sums.iter_mut().zip(found).for_each(|(sum, value)| *sum += value / chosen.len() as f64);
    }
    Ok(writeln!(out, "{:34} {:>7} {}", "mean", "", columns(sums))?)
}

fn columns(scores: [f64; 5]) -> String {
    scores.map(|score| format!("{score:>9.4}")).join(" ")
}

/// Well-judged models, no two of a family.
fn chosen(town: &Dataset, parts: &Parts) -> Vec<String> {
    let mut counts = vec![0_usize; town.models.len()];
    town.prompts.iter().flat_map(|prompt| &prompt.answers).for_each(|answer| counts[usize::from(answer.model)] += 1);
    let mut order: Vec<usize> = (0..counts.len()).filter(|at| parts.place(&town.models[*at]).is_some()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(counts[*at]), town.models[*at].clone()));
    let mut chosen: Vec<String> = Vec::new();
    for at in order {
        let name = &town.models[at];
        if chosen.len() < N_MODELS && chosen.iter().all(|other| family(other) != family(name)) {
            chosen.push(name.clone());
        }
    }
    chosen
}

/// The letters that a name begins with.
fn family(name: &str) -> &str {
    let end = name.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(name.len());
    &name[..end]
}

/// The other model whose name has most in common with this one, from its beginning where several have: what an operator would name in the
/// catalog without knowing more.
fn relative(model: &str, parts: &Parts) -> String {
    let begins = |name: &str| name.bytes().zip(model.bytes()).take_while(|(a, b)| a == b).count();
    let others = parts.models.iter().map(|known| &known.name).filter(|name| *name != model);
    others.max_by_key(|name| (common_run(name, model), begins(name))).cloned().unwrap_or_default()
}

/// The longest run of letters that two names have in common.
fn common_run(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let run = |from: &[u8], to: &[u8]| from.iter().zip(to).take_while(|(a, b)| a == b).count();
    (0..a.len()).flat_map(|at| (0..b.len()).map(move |to| run(&a[at..], &b[to..]))).max().unwrap_or(0)
}

fn leave_out(parts: &mut Parts, model: &str) {
    let Some(place) = parts.place(model) else { return };
    parts.models.remove(place);
    for sight in parts.sights.iter_mut().chain([&mut parts.tokens]) {
        let n = sight.n_columns();
        sight.abilities.drain(place * n..(place + 1) * n);
    }
    let n = n_kinds(parts.lens.n_topics());
    for rows in [&mut parts.manner.known, &mut parts.manner.habits] {
        rows.drain(place * n..(place + 1) * n);
    }
    let n = parts.asked.n_sources();
    parts.asked.known.drain(place * n..(place + 1) * n);
}

fn quality(parts: &Parts, model: &str, reading: &Reading) -> f64 {
    let Some(place) = parts.place(model) else { return 0.5 };
    let told = heard(parts, &parts.usual_rows(), reading);
    forecast(parts, &told, place).0
}

/// What is forecast of its rivals on the prompt, on average: all that is known of a model about which nothing is known.
fn mean_of(parts: &Parts, rivals: &[String], reading: &Reading) -> f64 {
    let told = heard(parts, &parts.usual_rows(), reading);
    let of = |model: &String| Some(forecast(parts, &told, parts.place(model)?).0);
    let found: Vec<f64> = rivals.iter().filter_map(of).collect();
    found.iter().sum::<f64>() / found.len().max(1) as f64
}

/// Some of a list, evenly, beginning at another place for another draw.
fn spread<T: Copy>(list: &[T], n: usize, draw: usize) -> Vec<T> {
    let step = list.len().div_ceil(n.max(1)).max(1);
    list.iter().skip(draw * step / N_DRAWS).step_by(step).copied().collect()
}

/// One newcomer: the outcomes it is given, and those it is judged on.
struct Trial<'a> {
    n_given: usize,
    could: Vec<(&'a Lesson, f32, Option<f32>)>,
    judged: Vec<(&'a Lesson, f32)>,
    rivals: Vec<String>,
}

fn outcome((lesson, quality, output): (&Lesson, f32, Option<f32>)) -> Outcome {
    Outcome { reading: lesson.reading.clone(), quality, output, reasoning: None }
}

/// The prompts to judge on are this many at most: scores settle long before.
const MAX_JUDGED: usize = 400;

impl<'a> Trial<'a> {
    /// Splits by groups of near-duplicates; what is given is spread over all that could be.
    fn new(town: &'a Dataset, model: &str, n_given: usize) -> Self {
        let at = town.models.iter().position(|name| name == model).unwrap_or(usize::MAX);
        let own = |lesson: &'a Lesson| {
            let answer = lesson.answers.iter().find(|answer| usize::from(answer.model) == at)?;
            Some((lesson, answer.quality, answer.output))
        };
        let all = || town.prompts.iter().filter_map(own);
        let (could, judged): (Vec<_>, Vec<_>) = all().partition(|(lesson, ..)| lesson.group % 3 != 0);
        let rivals = all().flat_map(|(lesson, ..)| &lesson.answers).map(|answer| usize::from(answer.model));
        let rivals: std::collections::BTreeSet<usize> = rivals.filter(|rival| *rival != at).collect();
        Self {
            n_given,
            could,
            judged: spread(&judged, MAX_JUDGED, 0).into_iter().map(|(lesson, quality, _)| (lesson, quality)).collect(),
            rivals: rivals.into_iter().map(|rival| town.models[rival].clone()).collect(),
        }
    }

    /// What it is given in one draw.
    fn outcomes(&self, draw: usize) -> Vec<Outcome> {
        spread(&self.could, self.n_given, draw).into_iter().map(outcome).collect()
    }

    /// The outcomes that `pointsman onboard --suggest` asks for, out of all but a part that is another one in each draw.
    fn suggested(&self, parts: &Parts, draw: usize) -> Vec<Outcome> {
        let open: Vec<_> = (0..self.could.len()).filter(|at| at % N_DRAWS != draw).map(|at| self.could[at]).collect();
        let readings: Vec<&Reading> = open.iter().map(|(lesson, ..)| &lesson.reading).collect();
        suggest(parts, &readings, self.n_given).into_iter().map(|at| outcome(open[at])).collect()
    }

    fn brier(&self, forecast: impl Fn(&Reading) -> f64) -> f64 {
        let square = |(lesson, quality): &(&Lesson, f32)| (forecast(&lesson.reading) - f64::from(*quality)).powi(2);
        self.judged.iter().map(square).sum::<f64>() / self.judged.len().max(1) as f64
    }
}
