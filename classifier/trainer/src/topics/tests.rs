//! Topics of two made-up subjects: told apart, the same each time, and never by who has seen the prompt.

use classifier::lens::Lens;
use classifier::{Artifact, Prompt};

use classifier::topics::MAX_TOPICS;

use super::{MIN_TOPIC_PROMPTS, Part, Subjects, Told, ToldBy, chosen, rows_outside};
use crate::dataset::{Dataset, Lesson};
use crate::plan::Plan;

/// Prompts of each subject.
const N_PROMPTS: usize = 30;

const N_FOLDS: u32 = 3;

fn lens() -> Lens {
    Artifact::built_in().expect("it is built in").into_parts().lens
}

/// Points and cakes, in turn, and a few prompts of a third data set that is too small to be a topic.
fn dataset(lens: &Lens) -> Dataset {
    dataset_of(lens, 2 * N_PROMPTS + 5, |at| match at {
        at if at >= 2 * N_PROMPTS => (1, format!("Name the odd number number {at}.")),
        at if at % 2 == 0 => (2, format!("Which lever moves the railway points at signal {at}?")),
        at => (0, format!("How much flour goes into a chocolate cake for {at} guests?")),
    })
}

/// So many prompts, each with its data set and its text.
fn dataset_of(lens: &Lens, n: usize, prompt: impl Fn(usize) -> (u16, String)) -> Dataset {
    let mut dataset = Dataset {
        sources: ["made", "logged"].map(str::to_owned).to_vec(),
        datasets: ["cakes", "odds", "points"].map(str::to_owned).to_vec(),
        ..Dataset::default()
    };
    for at in 0..n {
        let (place, text) = prompt(at);
        let reading = lens.read(&[Prompt::from_text(&text)]).remove(0);
        let group = u64::try_from(at).unwrap();
        let id = format!("made/up/{at}");
        dataset.prompts.push(Lesson {
            id,
            source: 0,
            dataset: place,
            group,
            answers: Vec::new(),
            reading,
            tokens: 9.0,
        });
    }
    dataset
}

fn folds(dataset: &Dataset) -> Vec<u32> {
    (0..dataset.prompts.len()).map(|at| u32::try_from(at / 2).unwrap() % N_FOLDS).collect()
}

fn told(dataset: &Dataset, by: ToldBy) -> Told {
    let subjects = Subjects::of(dataset).expect("two data sets are large enough");
    assert_eq!(subjects.n_topics, 2);
    let plan = Plan { topic_epochs: 20, ..Plan::default() };
    Told::learn(dataset, &subjects, by, (&folds(dataset), N_FOLDS), &plan, &|| ())
}

/// Whether a prompt that was not learned from is told to be of its own data set, the even ones of the second.
fn is_told(shares: &[f32], at: usize) -> bool {
    shares[usize::from(at.is_multiple_of(2))] > 0.8
}

#[test]
fn topics_are_told_apart_on_prompts_that_were_not_learned_from() {
    let lens = lens();
    let dataset = dataset(&lens);
    let new = lens.read(&[Prompt::from_text("Is flour better than chocolate in a cake?")]).remove(0);
    for by in [ToldBy::Pieces, ToldBy::All] {
        let told = told(&dataset, by);
        for (at, shares) in told.unseen.chunks_exact(2).enumerate().take(2 * N_PROMPTS) {
            assert!(is_told(shares, at), "prompt {at} by {by:?}: {shares:?}");
        }
        assert!(told.whole.shares(&new.pieces, new.row.untold())[0] > 0.8, "{by:?}");
        // A piece that one or two prompts hold is not remembered.
        assert!(!told.whole.pieces.is_empty());
        let held = |piece: &u32| dataset.prompts.iter().filter(|prompt| prompt.reading.pieces.contains(piece)).count();
        assert!(told.whole.pieces.iter().all(|piece| held(piece) >= super::signs::MIN_PIECE_PROMPTS));
    }
}

#[test]
fn features_tell_topics_apart_whose_word_pieces_are_the_same() {
    let lens = lens();
    // A bag holds one piece either way, as often as it is there: only how long a prompt is tells them apart.
    let short_or_long = |at: usize| {
        let (place, n) = if at.is_multiple_of(2) { (2, 80 + at % 7) } else { (0, 3 + at % 7) };
        (place, "railway ".repeat(n))
    };
    let dataset = dataset_of(&lens, 2 * N_PROMPTS, short_or_long);
    let n_told = |by: ToldBy| {
        let told = told(&dataset, by);
        told.unseen.chunks_exact(2).enumerate().filter(|(at, shares)| is_told(shares, *at)).count()
    };
    assert_eq!((n_told(ToldBy::Pieces), n_told(ToldBy::All)), (0, 2 * N_PROMPTS));
}

#[test]
fn the_same_prompts_give_the_same_topics() {
    let dataset = dataset(&lens());
    let (one, other) = (told(&dataset, ToldBy::All), told(&dataset, ToldBy::All));
    assert_eq!((one.whole, one.outside, one.unseen), (other.whole, other.outside, other.unseen));
}

#[test]
fn what_a_prompt_is_said_to_be_comes_from_those_that_never_saw_it() {
    let mut dataset = dataset(&lens());
    let before = told(&dataset, ToldBy::All);
    // The first prompt says it is from the other data set: only its own fold must not notice.
    dataset.prompts[0].dataset = 0;
    let after = told(&dataset, ToldBy::All);
    assert_eq!(before.unseen(0), after.unseen(0));
    assert_eq!(before.without(Some(0)), after.without(Some(0)));
    assert_ne!(before.unseen, after.unseen);
    assert_ne!(before.without(None), after.without(None));
}

#[test]
fn one_large_data_set_is_no_topics() {
    let mut dataset = dataset(&lens());
    let mut n_cakes = 0;
    dataset.prompts.retain(|prompt| {
        n_cakes += usize::from(prompt.dataset == 0);
        prompt.dataset != 0 || n_cakes < MIN_TOPIC_PROMPTS
    });
    assert!(Subjects::of(&dataset).is_none());
}

#[test]
fn a_source_of_small_data_sets_is_one_topic() {
    let mut dataset = dataset(&lens());
    assert_eq!(Subjects::of(&dataset).unwrap().sources(&dataset), [1.0, 0.0, 1.0, 0.0]);
    // Half of the cakes are of another source, each in a data set of its own.
    let cakes = dataset.prompts.iter_mut().filter(|prompt| prompt.dataset == 0).take(N_PROMPTS / 2);
    for (cake, place) in cakes.zip(3..) {
        (cake.source, cake.dataset) = (1, place);
        dataset.datasets.push(format!("cake {place}"));
    }
    let subjects = Subjects::of(&dataset).unwrap();
    assert_eq!(subjects.sources(&dataset), [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn no_source_is_without_a_topic_for_the_size_of_another() {
    let part = |at: u16, size: usize, source: u16| (Part::Dataset(at), (size, source));
    let most = u16::try_from(MAX_TOPICS).unwrap();
    let large = (0..most).map(|at| part(at, 100, 0));
    let small = [part(most, MIN_TOPIC_PROMPTS, 1), part(most + 1, MIN_TOPIC_PROMPTS - 1, 2)];
    let chosen = chosen(large.chain(small).collect());
    assert_eq!(chosen.len(), MAX_TOPICS);
    assert!(chosen.is_sorted() && chosen.last() == Some(&Part::Dataset(most)), "{:?}", chosen.last());
}

#[test]
fn data_sets_beyond_the_limit_are_counted() {
    let mut dataset = dataset(&lens());
    assert_eq!(Subjects::of(&dataset).unwrap().n_left_out, 0);
    // Each prompt becomes a data set of the least size, and there are more of them than topics.
    let lesson = dataset.prompts[0].clone();
    let n = MAX_TOPICS + 3;
    dataset.datasets = (0..n).map(|at| format!("source/{at}")).collect();
    let of = |at: usize| Lesson { source: 0, dataset: u16::try_from(at % n).unwrap(), ..lesson.clone() };
    dataset.prompts = (0..n * MIN_TOPIC_PROMPTS).map(of).collect();
    let subjects = Subjects::of(&dataset).unwrap();
    assert_eq!((subjects.n_topics, subjects.n_left_out), (MAX_TOPICS, 3));
}

#[test]
fn steps_are_reported_as_they_were_announced() {
    let dataset = dataset(&lens());
    let (folds, plan) = (folds(&dataset), Plan { topic_epochs: 2, ..Plan::default() });
    let done = std::sync::atomic::AtomicUsize::new(0);
    let step = || {
        done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    let subjects = Subjects::of(&dataset).unwrap();
    Told::learn(&dataset, &subjects, ToldBy::All, (&folds, N_FOLDS), &plan, &step);
    assert_eq!(done.into_inner(), Told::n_steps(&folds, N_FOLDS, &plan));
    assert_eq!(rows_outside(&folds, None).len(), dataset.prompts.len());
}
