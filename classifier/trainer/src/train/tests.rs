//! What calibration is told of prompts that the views of a fold had not seen.

use classifier::heads::View;
use classifier::unlikeness::share_heard;
use classifier::{Artifact, Prompt};

use super::setting::Setting;
use super::{Council, Workshop};
use crate::dataset::{Answer, Dataset, Lesson};
use crate::fit::Fitted;
use crate::plan::Plan;

/// Sums and questions of taste, each answered by two models: one is right about sums, the other by the last digit of the number.
fn dataset() -> Dataset {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let mut dataset = Dataset {
        models: ["ant", "bee"].map(str::to_owned).to_vec(),
        sources: vec!["made".to_owned()],
        datasets: ["sums", "taste"].map(str::to_owned).to_vec(),
        ..Dataset::default()
    };
    for at in 0..80_u16 {
        let sum = at % 2 == 0;
        let text =
            if sum { format!("What is {at} plus {}?", at * 7) } else { format!("Which hat suits guest {at} best?") };
        let right = |yes: bool| if yes { 1.0 } else { 0.0 };
        let answer = |model, yes| Answer { model, quality: right(yes), output: Some(40.0), reasoning: None };
        dataset.prompts.push(Lesson {
            id: format!("made/up/{at}"),
            source: 0,
            dataset: u16::from(!sum),
            group: u64::from(at),
            answers: vec![answer(0, sum), answer(1, at % 10 < 4)],
            reading: lens.read(&[Prompt::from_text(&text)]).remove(0),
            tokens: 9.0,
        });
    }
    dataset
}

#[test]
fn calibration_hears_how_far_the_views_are_apart_and_what_remains_of_them() {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let dataset = dataset();
    let plan = Plan {
        reading_nets: 0,
        feature_nets: 1,
        trees: 16,
        topic_epochs: 0,
        token_trees: 4,
        places: 4,
        ..Plan::default()
    };
    let setting = Setting::new(&dataset, &lens, &plan);
    let jobs = setting.jobs();
    let workshop = Workshop::new(&dataset, &setting);
    let fitted: Vec<_> = jobs.iter().map(|job| workshop.fit(job, &|| ())).collect();
    let unseen = workshop.unseen(&jobs, &fitted);
    let (mut farther, mut tempered) = (0, 0);
    for (at, lesson) in dataset.prompts.iter().enumerate() {
        let (fold, reading) = (setting.folds[at], &lesson.reading);
        let distance = workshop.places_outside(fold).unlikeness(reading);
        assert!(unseen.unlikeness[at] >= distance, "prompt {at}");
        farther += usize::from(unseen.unlikeness[at] > distance + 0.01);
        let council = Council::of(&setting, &jobs, &fitted, fold);
        // Of the first model.
        let of_view = |(fitted, weight, _): &(&Fitted, f32, Vec<f32>)| {
            let traits = fitted.view.traits(reading);
            weight * fitted.view.logit(&traits, &fitted.abilities[..=traits.len()])
        };
        let as_seen: f32 = council.views.iter().map(of_view).sum();
        if (unseen.logits[at * 2] - as_seen).abs() > 1e-3 {
            assert!(share_heard(unseen.unlikeness[at]) < 1.0, "prompt {at} is like those of training");
            tempered += 1;
        }
        let tokens = council.tokens.expect("every fold has one");
        let traits = tokens.view.traits(reading);
        let length = View::sum(&traits, &tokens.abilities[..=traits.len()]);
        assert!((unseen.lengths[at * 2] - length).abs() < 1e-6, "prompt {at}: lengths are not tempered");
    }
    assert!(farther > 0 && tempered > 0, "views differ over {farther} prompts, and {tempered} are not heard whole");
}
