//! What the built-in artifact says of models where they were never asked, and of those that sources call differently.

use std::fmt::Write as _;
use std::sync::Arc;

use classifier::{Artifact, Classifier, Prompt};
use decision::{Catalog, Forecast, ModelForecast};
use toml::Table;

use crate::house;

/// Nothing that sources share with contests or with puzzles about ancestors, written for this test.
const CHOICES: [&str; 4] = [
    "Which court hears appeals of a contract dispute between two firms?\nA. The first\nB. The second\nC. Neither\nD. Both",
    "Which of the following is a noble gas?\nA. Oxygen\nB. Neon\nC. Chlorine\nD. Iron",
    "A patient has fever, cough and a rash. Which test comes first?\nA. X-ray\nB. Blood count\nC. Biopsy\nD. None",
    "The demand for coffee falls while supply rises. What happens to the price?\nA. It rises\nB. It falls\nC. It stays\nD. Unclear",
];

const CONTESTS: [&str; 2] = [
    "You are given a 0-indexed integer array nums of length n and an integer k. Return the number of pairs (i, j) with i < j such that \
     nums[i] + nums[j] is divisible by k.\n\nConstraints:\n1 <= n <= 10^5\n1 <= nums[i], k <= 10^9",
    "There are N towns and M roads. Print the least number of roads to build so that all towns can be reached from town 1.\n\nInput\n\
     N M\nA_1 B_1\n...\n\nConstraints\n2 <= N <= 2 * 10^5",
];

/// The mean over some prompts of something that is forecast of each of these models.
fn mean<const N: usize>(models: [&str; N], prompts: &[&str], of: fn(&ModelForecast) -> f64) -> [f64; N] {
    let mut text = String::new();
    for id in models {
        let entry = "context_window = 128000\nusd_per_1m = { prompt = 1, completion = 2 }";
        writeln!(text, "[[model]]\nid = \"{id}\"\n{entry}\n").expect("a text takes lines");
    }
    let catalog = Catalog::from_toml(&text).expect("a catalog");
    let classifier = Classifier::new(Arc::new(Artifact::built_in().expect("it is inside the binary")), &catalog);
    let prompts: Vec<Prompt> = prompts.iter().map(|text| Prompt::from_text(text)).collect();
    let forecasts = classifier.forecast(&prompts);
    models.map(|id| {
        let said = forecasts.iter().flat_map(Forecast::models).filter(|model| model.model.as_str() == id);
        said.map(of).sum::<f64>() / prompts.len() as f64
    })
}

fn quality(model: &ModelForecast) -> f64 {
    model.quality.get()
}

/// How wide the bound is, as a logit.
fn width(model: &ModelForecast) -> f64 {
    let logit = |share: f64| (share / (1.0 - share)).ln();
    logit(model.quality.get()) - logit(model.quality_low.get())
}

#[test]
fn a_model_under_another_name_is_about_as_good() {
    for names in same_models() {
        let [first, second, ..] = names.as_slice() else { panic!("{names:?}") };
        let [first, second] = mean([first, second], &CHOICES, quality);
        assert!((first - second).abs() < 0.15, "{names:?}: {first} and {second}");
    }
}

#[test]
fn models_that_answered_one_puzzle_alone_are_not_taken_for_weak() {
    let models = ["gpt-4o-2024-11-20", "gpt-4o-2024-08-06", "meta-llama/llama-3.3-70b-instruct", "gemma-7b"];
    let [newer, older, llama, weak] = mean(models, &CHOICES, quality);
    assert!((newer - older).abs() < 0.15, "{newer} and {older}");
    assert!(newer > weak + 0.1 && llama > weak + 0.05, "{newer}, {llama} and {weak}");
}

#[test]
fn the_bound_knows_who_was_never_asked_such_prompts() {
    // The first was asked contests alone, the second everything that there is.
    let models = ["gemini-2.5-pro", "gpt-4o-2024-05-13"];
    let [never, often] = mean(models, &CHOICES, width);
    assert!(never > 2.0 * often, "{never} and {often}");
    let [both, often] = mean(models, &CONTESTS, width);
    assert!(both < 1.3 * often, "{both} and {often}");
}

/// The plan that the built-in artifact keeps, with all its keys, says what the one beside the trainer does.
#[test]
fn the_built_in_artifact_was_made_by_the_built_in_plan() {
    let kept = Artifact::built_in().expect("it is inside the binary").into_parts().plan;
    let kept: Table = kept.parse().expect("a plan");
    for (key, value) in built_in_plan() {
        assert_eq!(kept.get(&key), Some(&value), "{key}");
    }
}

fn built_in_plan() -> Table {
    let file = house::root().join("classifier/trainer/plans/built-in.toml");
    std::fs::read_to_string(file).expect("the plan").parse().expect("a plan")
}

/// Names under which sources speak of one model.
fn same_models() -> Vec<Vec<String>> {
    built_in_plan()["same_models"].clone().try_into().expect("lists of names")
}
