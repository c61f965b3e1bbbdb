//! Two sources, each known to one of two views.

use classifier::council::Heard;
use classifier::{Artifact, Prompt};

use super::{Learned, Ledger};
use crate::dataset::{Answer, Dataset, Lesson};
use crate::topics::Subjects;

/// Prompts of both sources by turns, easy and hard ones.
const N_PROMPTS: u16 = 160;

/// An easy prompt, or a hard one, as whoever knows the source sees it.
const LEVELS: [f32; 2] = [-1.5, 1.5];

/// Whether a prompt is easy, and whether whoever does not know its source takes it for easy.
fn easy(at: u16) -> (bool, bool) {
    (at & 2 == 0, at & 4 == 0)
}

fn dataset() -> Dataset {
    let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
    let reading = lens.read(&[Prompt::from_text("Is it so?")]).remove(0);
    let mut shares = Vec::new();
    let mut dataset = Dataset {
        models: ["ant", "bee"].map(str::to_owned).to_vec(),
        sources: ["law", "contests"].map(str::to_owned).to_vec(),
        datasets: ["law", "contests"].map(str::to_owned).to_vec(),
        ..Dataset::default()
    };
    for at in 0..N_PROMPTS {
        shares.extend(if at % 2 == 0 { [0.9, 0.1] } else { [0.1, 0.9] });
        // One in five goes wrong.
        let quality = if easy(at).0 == (at % 5 != 0) { 1.0 } else { 0.0 };
        dataset.prompts.push(Lesson {
            id: format!("made/up/{at}"),
            source: at % 2,
            dataset: at % 2,
            group: u64::from(at),
            answers: (0..2).map(|model| Answer { model, quality, output: None, reasoning: None }).collect(),
            reading: reading.clone(),
            tokens: 9.0,
        });
    }
    dataset.tell_topics(&shares);
    dataset
}

/// The first view knows the first source, the second the second.
fn heard(share: f32) -> Vec<Heard> {
    let of = |at: u16| {
        let (knows, guesses) = easy(at);
        let mut levels = [knows, guesses].map(|easy| LEVELS[usize::from(easy)]);
        if at % 2 == 1 {
            levels.reverse();
        }
        Heard { traits: Vec::new(), levels: levels.to_vec(), share, unlikeness: 1.0 }
    };
    (0..N_PROMPTS).map(of).collect()
}

/// What is learned of such prompts, beside what makes use of it.
fn learned<R>(share: f32, with: impl FnOnce(&Ledger<'_>, &Learned) -> R) -> R {
    let (dataset, heard) = (dataset(), heard(share));
    let logits: Vec<f32> = heard.iter().flat_map(|heard| [heard.levels.iter().sum::<f32>() / 2.0; 2]).collect();
    let weights = vec![1.0; dataset.prompts.len()];
    let subjects = Subjects::of(&dataset).expect("two data sets");
    let ledger = Ledger::new(&dataset, &subjects, &weights, &heard, &logits);
    with(&ledger, &ledger.learn())
}

#[test]
fn each_source_trusts_the_view_that_knows_it() {
    learned(1.0, |ledger, learned| {
        let [_, law_first, law_second, _, contests_first, contests_second] = learned.rows[..] else {
            panic!("{:?}", learned.rows)
        };
        assert!(law_first > 0.2 && law_second < -0.2, "{:?}", learned.rows);
        assert!(contests_first < -0.2 && contests_second > 0.2, "{:?}", learned.rows);
        let right = |prompt: usize| {
            let easy = easy(u16::try_from(prompt).unwrap()).0;
            (ledger.logits[prompt * 2] + ledger.added(prompt, learned) > 0.0) == easy
        };
        assert!((0..ledger.dataset.prompts.len()).all(right), "the blend alone is at nothing where the views differ");
    });
}

#[test]
fn what_the_artifact_adds_is_what_was_learned_however_many_views_of_a_kind_it_has() {
    for share in [1.0, 0.5] {
        learned(share, |ledger, learned| {
            let trust = ledger.trust(learned, &[(0, 0.5), (1, 1.0), (0, 0.5)]);
            for (prompt, lesson) in ledger.dataset.prompts.iter().enumerate() {
                let Heard { levels, .. } = &ledger.heard[prompt];
                let three = Heard { levels: vec![levels[0], levels[1], levels[0]], ..ledger.heard[prompt].clone() };
                let (served, added) = (trust.adds(lesson.reading.row.topics(), &three), ledger.added(prompt, learned));
                assert!((served - added).abs() < 1e-5, "{served}, not {added}");
            }
        });
    }
}

#[test]
fn a_prompt_that_nobody_answered_changes_nothing() {
    let (mut dataset, heard) = (dataset(), heard(1.0));
    let (mut weights, logits) = (vec![1.0; dataset.prompts.len()], vec![0.0; 2 * dataset.prompts.len()]);
    let subjects = Subjects::of(&dataset).expect("two data sets");
    let rows = |dataset: &Dataset, weights: &[f32], n: usize| {
        Ledger::new(dataset, &subjects, weights, &heard[..n], &logits).learn().rows
    };
    let last = dataset.prompts.len() - 1;
    let without = rows(&dataset, &weights, last);
    dataset.prompts[last].answers.clear();
    weights[last] = 0.0;
    assert_eq!(rows(&dataset, &weights, last + 1), without);
}

#[test]
fn nothing_is_learned_from_prompts_of_which_nothing_is_heard() {
    let (dataset, heard) = (dataset(), heard(1.0));
    let (weights, logits) = (vec![1.0; dataset.prompts.len()], vec![0.0; 2 * dataset.prompts.len()]);
    let subjects = Subjects::of(&dataset).expect("two data sets");
    let deaf: Vec<Heard> = heard.iter().map(|heard| Heard { share: 0.0, ..heard.clone() }).collect();
    let ledger = Ledger::new(&dataset, &subjects, &weights, &deaf, &logits);
    assert!(ledger.learn().rows.iter().all(|row| *row == 0.0));
}
