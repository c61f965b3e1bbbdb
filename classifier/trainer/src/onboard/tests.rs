//! What a newcomer's abilities are learned from.

use classifier::abilities::Seen;
use classifier::{Artifact, Prompt};

use super::{MIN_OUTCOMES, Outcome, onboard};

/// Of a kind that the built-in artifact never saw.
const STRANGE: &str = "Plan a three day trip to Lisbon for a family with two small children.";

#[test]
fn a_newcomer_is_known_by_what_is_heard_of_its_prompts_as_it_will_be_asked() {
    let mut parts = Artifact::built_in().expect("it is built in").into_parts();
    let reading = parts.lens.read(&[Prompt::from_text(STRANGE)]).remove(0);
    let outcome = Outcome { reading: reading.clone(), quality: 0.0, output: None };
    onboard(&mut parts, "newcomer", &vec![outcome; MIN_OUTCOMES], None).unwrap();
    let place = parts.place("newcomer").unwrap();
    let heard = parts.hear(&parts.usual_rows(), &reading);
    for (sight, traits) in parts.sights.iter().zip(&heard.traits) {
        let seen = Seen { traits, value: 0.0, weight: 1.0 };
        assert_eq!(sight.row(place), sight.usual.fit(&[seen; MIN_OUTCOMES], sight.view.link()));
        assert_ne!(*traits, sight.view.traits(&reading), "not all of so strange a prompt is heard");
    }
}
