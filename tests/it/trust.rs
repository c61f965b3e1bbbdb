//! How far views are trusted, in the built-in artifact: it moves all models alike, and what is broken about it is refused.

use std::sync::Arc;

use classifier::{Artifact, Classifier, Prompt, built_in_catalog};

const PROMPTS: [&str; 3] = [
    "A bakery sells 48 rolls in the morning and half as many in the afternoon. How many rolls does it sell in all?",
    "Which of the following is a noble gas?\nA. Oxygen\nB. Neon\nC. Chlorine\nD. Iron",
    "Plan a three day trip to Lisbon for a family with two small children.",
];

#[test]
fn a_forecast_is_what_the_views_say_and_what_trust_adds_to_all_models_alike() {
    let catalog = built_in_catalog();
    let classifier = Classifier::new(Arc::new(Artifact::built_in().unwrap()), &catalog);
    let parts = classifier.artifact().parts();
    let usual = parts.usual_rows();
    for text in PROMPTS {
        let reading = parts.lens.read(&[Prompt::from_text(text)]).remove(0);
        let heard = parts.hear(&usual, &reading);
        let alike = parts.trust_adds(&heard, &reading);
        assert!(alike != 0.0 && alike.abs() < 1.5, "{text}: {alike}");
        let forecast = classifier.forecast(&[Prompt::from_text(text)]).remove(0);
        for model in forecast.models() {
            let place = parts.place(model.model.as_str()).unwrap();
            let views = parts.sights.iter().zip(&heard.traits);
            let own: f32 = views.map(|(sight, traits)| sight.weight * sight.view.logit(traits, sight.row(place))).sum();
            let expected = parts.calibration.quality(alike + own, parts.models[place].offset);
            assert!((model.quality.get() - f64::from(expected)).abs() < 1e-4, "{}, {text}", model.model);
        }
    }
}

#[test]
fn trust_is_of_every_topic_and_view_and_finite() {
    let mut parts = Artifact::built_in().unwrap().into_parts();
    let place = "trust: expected a row for every topic, with a number for every view and one more, found";
    let n = parts.trust.rows.len();
    parts.trust.rows[7] = f32::NAN;
    let refused = parts.check().unwrap_err().to_string();
    assert!(refused.contains(&format!("{place} NaN")), "{refused}");
    parts.trust.rows.pop();
    let refused = parts.check().unwrap_err().to_string();
    assert!(refused.contains(&format!("{place} {} numbers where {n} are expected", n - 1)), "{refused}");
}
