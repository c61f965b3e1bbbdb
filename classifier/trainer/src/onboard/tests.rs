//! What a newcomer's abilities are learned from.

use classifier::abilities::Seen;
use classifier::artifact::Parts;
use classifier::asked;
use classifier::manner::{known_after, n_kinds};
use classifier::{Artifact, Prompt};

use super::{MIN_OUTCOMES, Outcome, of_kind, onboard};

/// Of a kind that the built-in artifact never saw.
const STRANGE: &str = "Plan a three day trip to Lisbon for a family with two small children.";

#[test]
fn a_newcomer_is_known_by_what_is_heard_of_its_prompts_as_it_will_be_asked() {
    let mut parts = Artifact::built_in().expect("it is built in").into_parts();
    let reading = parts.lens.read(&[Prompt::from_text(STRANGE)]).remove(0);
    let outcome = Outcome { reading: reading.clone(), quality: 0.0, output: None, reasoning: None };
    onboard(&mut parts, "newcomer", &vec![outcome; MIN_OUTCOMES], None).unwrap();
    let place = parts.place("newcomer").unwrap();
    let heard = parts.hear(&parts.usual_rows(), &reading);
    for (sight, traits) in parts.sights.iter().zip(&heard.traits) {
        let seen = Seen { traits, value: 0.0, weight: 1.0 };
        assert_eq!(sight.row(place), sight.usual.fit(&[seen; MIN_OUTCOMES], sight.view.link()));
        assert_ne!(*traits, sight.view.traits(&reading), "not all of so strange a prompt is heard");
    }
}

#[test]
fn the_manner_of_a_newcomer_is_known_of_what_it_answered_at_length_and_of_what_its_kin_did() {
    let mut parts = Artifact::built_in().expect("it is built in").into_parts();
    let reading = parts.lens.read(&[Prompt::from_text(STRANGE)]).remove(0);
    let outcome = |output| Outcome { reading: reading.clone(), quality: 1.0, output, reasoning: None };
    let outcomes: Vec<Outcome> = [Some(90.0), None, Some(80.0), None, Some(70.0)].map(outcome).to_vec();
    let n = n_kinds(parts.lens.n_topics());
    let at = |parts: &Parts, model: &str| parts.place(model).unwrap();
    onboard(&mut parts, "newcomer", &outcomes, None).unwrap();
    let own: Vec<f32> = reading.row.topics().iter().map(|share| known_after(3.0 * of_kind(*share))).collect();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(own.iter().any(|known| *known > 0.05), "{own:?}");
    assert!(of_kind(0.5) >= 1.0 && of_kind(0.003) < 0.001, "fifty strays tell nothing");
    assert!(
        near(parts.manner.known(at(&parts, "newcomer"), n), &own),
        "{:?}",
        parts.manner.known(at(&parts, "newcomer"), n)
    );
    assert!(parts.manner.habits(at(&parts, "newcomer"), n).iter().all(|habit| *habit == 0.0));
    let asked = parts.asked.known(at(&parts, "newcomer")).to_vec();
    let shares = parts.asked.shares(reading.row.topics());
    let known: Vec<f32> = shares.iter().map(|share| asked::known_after(5.0 * share)).collect();
    assert!(near(&asked, &known) && known.iter().all(|known| *known < 0.2), "five outcomes tell little: {asked:?}");
    // Once more, in its own place and with kin whose answers were counted.
    onboard(&mut parts, "newcomer", &outcomes, Some("gpt-4o-2024-05-13")).unwrap();
    parts.check().unwrap();
    let kin = at(&parts, "gpt-4o-2024-05-13");
    let both: Vec<f32> = parts.manner.known(kin, n).iter().zip(&own).map(|(kin, own)| kin.max(*own)).collect();
    assert!(near(parts.manner.known(at(&parts, "newcomer"), n), &both) && both.contains(&1.0));
    assert_eq!(parts.manner.habits(at(&parts, "newcomer"), n), parts.manner.habits(kin, n));
    let all = |place: usize| parts.asked.known(place).iter().sum::<f32>();
    assert!(all(at(&parts, "newcomer")) >= all(kin), "it is known where its kin is");
}

#[test]
fn a_newcomer_thinks_as_much_as_was_counted_of_it_or_as_the_others_do() {
    let mut parts = Artifact::built_in().expect("it is built in").into_parts();
    let reading = parts.lens.read(&[Prompt::from_text(STRANGE)]).remove(0);
    let outcome =
        |output, reasoning| Outcome { reading: reading.clone(), quality: 1.0, output: Some(output), reasoning };
    let counted: Vec<Outcome> = (0..5).map(|_| outcome(4_000.0, Some(3_000.0))).collect();
    let uncounted: Vec<Outcome> = (0..5).map(|_| outcome(4_000.0, None)).collect();
    parts.models.iter_mut().for_each(|model| model.reasoning = 0.5);
    onboard(&mut parts, "thinker", &counted, None).unwrap();
    onboard(&mut parts, "stranger", &uncounted, None).unwrap();
    let share = |name: &str| parts.models[parts.place(name).unwrap()].reasoning;
    assert!((share("thinker") - 0.75).abs() < 1e-6, "{}", share("thinker"));
    assert!((share("stranger") - 0.5).abs() < 1e-6, "whoever came in before moves no other: {}", share("stranger"));
}
