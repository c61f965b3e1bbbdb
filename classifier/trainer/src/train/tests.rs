//! What calibration is told of prompts that the views of a fold had not seen.

use classifier::unlikeness::share_heard;
use classifier::{Artifact, Prompt};

use super::setting::Setting;
use super::{Council, Trained, Workshop, train};
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
    let workshop = Workshop::new(&dataset, &setting, None);
    let fitted: Vec<_> = jobs.iter().map(|job| workshop.fit(job, &|| ())).collect();
    let (unseen, _, _) = workshop.unseen(&jobs, &fitted, &vec![1.0; dataset.prompts.len()]);
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
    }
    assert!(farther > 0 && tempered > 0, "views differ over {farther} prompts, and {tempered} are not heard whole");
}

#[test]
fn a_manner_that_was_counted_on_one_kind_of_prompts_is_not_expected_on_another() {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let mut dataset = dataset();
    for lesson in &mut dataset.prompts {
        // The second model is long about sums, and nobody counted what it says of taste.
        lesson.answers[1].output = (lesson.dataset == 0).then_some(400.0);
    }
    let plan = Plan { reading_nets: 0, feature_nets: 1, trees: 16, token_trees: 16, places: 4, ..Plan::default() };
    let Trained { parts, cross_fitted, .. } = train(&mut dataset, lens, &plan, &|_, _| ()).unwrap();
    let mean = |kind: u16, model: usize| {
        let of_kind = dataset.prompts.iter().zip(&cross_fitted).filter(|(lesson, _)| lesson.dataset == kind);
        let lengths: Vec<f32> = of_kind.map(|(_, said)| said.output(model, &parts.manner, None).0).collect();
        lengths.iter().sum::<f32>() / 40.0
    };
    let (sums, taste) = (mean(0, 1) / mean(0, 0), mean(1, 1) / mean(1, 0));
    assert!(sums > 8.0 && taste < 3.0, "{sums} times as long about sums, {taste} times about taste");
    let of = |model: usize| parts.manner.known(model, 2);
    assert!(of(0).iter().all(|known| *known > 0.9) && of(1)[0] > 0.9 && of(1)[1] < 0.5, "{:?}", parts.manner.known);
}

#[test]
fn a_bound_is_wider_on_prompts_of_a_source_that_never_asked_the_model() {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let mut dataset = dataset();
    dataset.sources.push("other".to_owned());
    for (at, lesson) in dataset.prompts.iter_mut().filter(|lesson| lesson.dataset == 1).enumerate() {
        lesson.source = 1;
        lesson.answers.truncate(1);
        lesson.answers[0].quality = if at % 3 == 0 { 0.0 } else { 1.0 };
    }
    let plan = Plan { reading_nets: 0, feature_nets: 1, trees: 16, token_trees: 4, places: 4, ..Plan::default() };
    let Trained { parts, cross_fitted, .. } = train(&mut dataset, lens, &plan, &|_, _| ()).unwrap();
    let logit = |quality: f32| (quality / (1.0 - quality)).ln();
    // By how much more the bound of the second model is below what it bounds than that of the first, as variances.
    let wider = |source: u16| {
        let of_source = dataset.prompts.iter().zip(&cross_fitted).filter(|(lesson, _)| lesson.source == source);
        let variance = |said: &super::CrossFitted, model: usize| {
            (logit(said.quality[model]) - logit(said.quality_low[model])).powi(2) / (1.281_551_6 * 1.281_551_6)
        };
        of_source.map(|(_, said)| variance(said, 1) - variance(said, 0)).sum::<f32>() / 40.0
    };
    let (asked, unasked) = (wider(0), wider(1));
    assert!(unasked - asked > 0.5 * parts.calibration.doubt_unasked, "{asked} and {unasked}: {:?}", parts.calibration);
}

#[test]
fn views_of_a_kind_share_what_is_trusted_of_it_whether_or_not_they_have_a_say() {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let dataset = dataset();
    for topic_weight in [0.0, 0.3] {
        let plan = Plan { reading_nets: 2, feature_nets: 4, topic_weight, ..Plan::default() };
        let kinds = Setting::new(&dataset, &lens, &plan).kinds();
        let parts: Vec<f32> =
            (0..4).map(|kind| kinds.iter().filter(|(of, _)| *of == kind).map(|(_, part)| part).sum()).collect();
        assert_eq!((kinds.len(), parts), (8, vec![1.0; 4]), "{kinds:?}");
    }
}

#[test]
fn a_plan_whose_views_cannot_be_had_is_refused_before_anything_is_fitted() {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let plan =
        Plan { reading_weight: 0.0, feature_weight: 0.0, forest_weight: 0.0, topic_epochs: 0, ..Plan::default() };
    let refused = train(&mut dataset(), lens, &plan, &|_, _| panic!("nothing is fitted")).unwrap_err().to_string();
    assert!(refused.starts_with("plan: expected feature nets or trees with a weight above 0"), "{refused}");
}
