//! What grouping catches and what it leaves apart, on small cases and, where they are at hand, on the shared outcomes.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Grouper, MAX_SHARERS};
use crate::row::Text;

const QUESTION: &str = "A train leaves the depot at nine and travels at sixty miles an hour towards a junction that \
    lies ninety miles away. The points at the junction are set twelve minutes before it arrives. When are they set?";

fn groups(prompts: &[&str]) -> Vec<Text> {
    let mut grouper = Grouper::default();
    prompts.iter().for_each(|prompt| grouper.add(prompt));
    let groups = grouper.finish();
    prompts.iter().map(|prompt| groups.of(prompt)).collect()
}

#[track_caller]
fn check(left: &str, right: &str, together: bool) {
    let found = groups(&[left, "Something else altogether, to have company.", right]);
    assert_eq!(found[0] == found[2], together, "{left:?} and {right:?}");
    assert_ne!(found[0], found[1]);
    assert_eq!(found, groups(&[left, "Something else altogether, to have company.", right]));
    let reversed = groups(&[right, left]);
    assert_eq!(reversed[0] == reversed[1], together, "the order shows");
}

#[test]
fn the_same_question_in_another_dress_is_one_group() {
    check(QUESTION, &QUESTION.to_uppercase(), true);
    check(QUESTION, &format!("Question: {QUESTION}\n\nThink step by step and end with the answer."), true);
    check(&format!("{QUESTION}\nA. 10:00\nB. 10:18"), &format!("{QUESTION}\n(A) 10:18\n(B) 11:30\n(C) never"), true);
    check(
        "Who invented the railway switch?\nA. Fox\nB. Owl",
        "Who invented the railway switch?\nA. Elk\nB. Bee\nC. Ant",
        true,
    );
    check(
        "信号员在九点扳动道岔然后列车驶向北方的车站请问列车几点到达",
        "问题：信号员在九点扳动道岔，然后列车驶向北方的车站，请问列车几点到达？",
        true,
    );
}

#[test]
fn other_questions_are_left_apart() {
    check(QUESTION, "How many sleepers lie under a mile of track?", false);
    check("Which is true?\nA. one\nB. two", "Which is true?\nA. three\nB. four", false);
    check("", "?", false);
    check("7", "8", false);
}

#[test]
fn what_is_hardly_a_word_is_told_apart_by_its_exact_text() {
    let prompts = ["?", "\u{1f600}", "\u{1f680}", "e", "A", "B", "a", "c", "d", "", "2+2", "2-2", "A 7", "B 7"];
    let mut found = groups(&prompts);
    assert_eq!(groups(&["?", " ?\n"])[0], found[0], "spaces around a text are none of it");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), prompts.len());
    check("Why?", "why", true);
}

#[test]
fn a_template_does_not_make_one_group_of_its_questions() {
    let template = "You are given the timetable of a small railway and one question about it. Read the timetable with \
        care, think about every stop in turn, and answer with a single time of day and nothing else at all.";
    let prompts: Vec<String> = (0..=MAX_SHARERS)
        .map(|number| format!("{template}\nDoes service {number} call at halt {}?", number * 7))
        .collect();
    let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    let mut found = groups(&prompts);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), prompts.len());
}

#[test]
fn behind_the_limit_only_equal_words_make_a_group() {
    let wrapped = format!("Question: {QUESTION} Explain.");
    let mut grouper = Grouper::limited(1);
    [QUESTION, &wrapped].iter().for_each(|prompt| grouper.add(prompt));
    let groups = grouper.finish();
    assert_ne!(groups.of(QUESTION), groups.of(&wrapped));
    assert_eq!(groups.of(&wrapped), groups.of(&wrapped.to_uppercase()));
}

/// The share of the pairs that one grouping puts together which the other does too.
struct Agreement {
    precision: f64,
    recall: f64,
}

fn agreement(pairs: &[(Text, Text)]) -> Agreement {
    let (mut both, mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (found, group) in pairs {
        *both.entry((found, group)).or_insert(0_u32) += 1;
        *ours.entry(found).or_insert(0_u32) += 1;
        *theirs.entry(group).or_insert(0_u32) += 1;
    }
    let pairs = |count: &u32| f64::from(*count) * f64::from(count - 1) / 2.0;
    let shared = both.values().map(pairs).sum::<f64>();
    Agreement {
        precision: shared / ours.values().map(pairs).sum::<f64>(),
        recall: shared / theirs.values().map(pairs).sum::<f64>(),
    }
}

#[test]
fn on_the_shared_outcomes_it_finds_what_their_group_column_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/outcomes");
    if !folder.is_dir() {
        crate::scratch::skipped(&folder);
        return;
    }
    let mut prompts = BTreeMap::new();
    for row in crate::rows::read(&[folder], false).unwrap() {
        let row = row.unwrap();
        prompts.insert((row.source, row.dataset, row.prompt_id), (row.prompt.unwrap(), row.group.unwrap()));
    }
    let mut grouper = Grouper::default();
    prompts.values().for_each(|(prompt, _)| grouper.add(prompt));
    let groups = grouper.finish();
    let found: Vec<(Text, Text)> = prompts.values().map(|(prompt, group)| (groups.of(prompt), group.clone())).collect();
    let Agreement { precision, recall } = agreement(&found);
    let by_prefix: Vec<(Text, Text)> = prompts
        .values()
        .map(|(prompt, group)| {
            (format!("{:?}", super::words(prompt).iter().take(12).collect::<Vec<_>>()).into(), group.clone())
        })
        .collect();
    let prefix = agreement(&by_prefix);
    println!("{} prompts: pairwise precision {precision:.3}, recall {recall:.3}", prompts.len());
    println!("by their first 12 words: precision {:.3}, recall {:.3}", prefix.precision, prefix.recall);
    assert!(precision > 0.90 && recall > 0.99, "precision {precision}, recall {recall}");
}
