//! Where an aside could be, what can be seen of it, and nets by hand.

use super::cuts::{Cut, MAX_WORDS, N_SEAMS, Seam, cuts, cuts_to_hear, n_signs};
use super::{Asides, canonical_phrase, canonical_question};
use crate::encoder::{Encoder, Table};
use crate::lens::pieces_of;
use crate::{Artifact, artifact::Parts};

fn with_table(check: impl FnOnce(&Table)) {
    let Parts { lens, .. } = Artifact::built_in().expect("it is built in").into_parts();
    let Encoder::Table(table) = lens.encoder() else { panic!("the built-in encoder is a table") };
    check(table);
}

fn kept<'a>(text: &'a str, cuts: &[Cut]) -> Vec<(&'a str, Seam)> {
    cuts.iter().map(|cut| (&text[cut.kept.clone()], cut.seam)).collect()
}

#[test]
fn an_aside_could_begin_before_each_last_word_and_end_behind_each_first() {
    with_table(|table| {
        let text = "well, which train is first? thanks";
        let found = cuts(table, text);
        assert_eq!(
            kept(text, &found),
            [
                ("well, which train is first?", Seam::Back),
                ("well, which train is", Seam::Within),
                ("well, which train", Seam::Within),
                ("which train is first? thanks", Seam::Front),
                ("train is first? thanks", Seam::Opening),
                ("is first? thanks", Seam::Opening),
            ]
        );
        assert!(found.iter().all(|cut| cut.signs.len() == n_signs(table.dims())));
        assert!(found.iter().flat_map(|cut| &cut.signs).all(|sign| sign.is_finite()));
    });
}

#[test]
fn behind_first_words_a_question_is_left_that_could_begin_there() {
    with_table(|table| {
        let ahead = |text: &str, seam: Seam| {
            let found = cuts(table, text).into_iter().filter(|cut| cut.seam == seam);
            found.map(|cut| text[..cut.kept.start].trim_end().to_owned()).collect::<Vec<_>>()
        };
        let text = "this is very hard and that was mr. smith in the u.s. by train... when does it end";
        assert_eq!(ahead(text, Seam::Front), ["this is very hard and that was mr. smith in the u.s. by train..."]);
        // Not before "and", "that" and "was".
        let was = "this is very hard and that was";
        let openings = ["this", "this is", "this is very", was, &format!("{was} mr."), &format!("{was} mr. smith")];
        assert_eq!(ahead(text, Seam::Opening)[..6], openings);
        assert_eq!(ahead(text, Seam::Opening).len(), 7, "the tenth word is the last that is looked behind");
        let long = "train ".repeat(60);
        assert_eq!(ahead(long.trim_end(), Seam::Opening).len(), 10);
        let sign = |text: &str, n_words: usize| {
            let starts = 6 * table.dims() + 15;
            let kept = text.split_whitespace().skip(n_words).collect::<Vec<_>>().join(" ");
            cuts(table, text).into_iter().find(|cut| text[cut.kept.clone()] == kept).unwrap().signs[starts..].to_vec()
        };
        assert_eq!(sign("it is hard why do trains stop", 3), [1.0, 0.0, 0.0], "it asks");
        assert_eq!(sign("it is hard find all trains there", 3), [0.0, 1.0, 0.0], "it orders");
        assert_eq!(sign("it is hard the train stopped there", 3), [0.0, 0.0, 1.0], "it states");
        assert_eq!(sign("it is hard green trains stop there", 3), [0.0; 3]);
    });
}

#[test]
fn a_capital_letter_in_a_line_is_as_good_as_a_line_break() {
    with_table(|table| {
        let seams = |text: &str| {
            let text = canonical_question(text);
            let found = cuts(table, &text).into_iter();
            found.map(|cut| (text[cut.kept.clone()].to_owned(), cut.seam, cut.signs)).collect::<Vec<_>>()
        };
        let (marked, lines) = (
            "my bus is late In which year did it end We shall see",
            "my bus is late\nin which year did it end\nwe shall see",
        );
        let (marked, lines) = (seams(marked), seams(lines));
        assert_eq!(marked.len(), lines.len());
        for ((kept, seam, signs), (of_lines, of_line, line_signs)) in marked.iter().zip(&lines) {
            assert_eq!(
                (kept.split_whitespace().collect::<Vec<_>>(), seam),
                (of_lines.split_whitespace().collect(), of_line)
            );
            assert_eq!(signs, line_signs);
        }
        let seam_of = |text: &str, kept: &str| seams(text).into_iter().find(|found| found.0 == kept).unwrap().1;
        assert_eq!(seam_of("my bus is late in which year", "in which year"), Seam::Opening);
        assert_eq!(seam_of("my bus is late In which year", "in which year"), Seam::Front);
        assert_eq!(seam_of("name the year my bus is late", "name the year"), Seam::Within);
        assert_eq!(seam_of("name the year My bus is late", "name the year"), Seam::Back);
    });
}

#[test]
fn what_is_to_be_done_to_a_text_stays() {
    with_table(|table| {
        let ahead = |text: &str| {
            let found = cuts(table, text).into_iter().filter(|cut| cut.seam.is_ahead());
            found.map(|cut| text[..cut.kept.start].trim_end().to_owned()).collect::<Vec<_>>()
        };
        let task = "reply politely to this: your invoice is three weeks late";
        assert_eq!(ahead(task), ["reply", "reply politely", "reply politely to"]);
        let question = "my dear old friend: which invoice is three weeks late";
        assert!(ahead(question).iter().any(|said| said == "my dear old friend:"));
    });
}

#[test]
fn what_must_stay_is_not_even_heard() {
    with_table(|table| {
        let heard = |text: &str| {
            let found = cuts_to_hear(table, text, &pieces_of(table, text));
            let all = cuts(table, text);
            // The same is seen of a place, whether those before it are heard or not.
            for cut in &found {
                assert!(all.iter().any(|one| one.kept == cut.kept && one.signs == cut.signs), "{:?}", cut.kept);
            }
            kept(text, &found).iter().map(|(kept, _)| (*kept).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            heard("well, which train is first?"),
            ["which train is first?", "train is first?"],
            "the only question"
        );
        let of_two = heard("which train is first? and is it late?");
        assert!(of_two.iter().any(|kept| kept == "which train is first?"), "another question is left: {of_two:?}");
        assert!(of_two.iter().all(|kept| kept.contains('?')), "{of_two:?}");
        let of_list = heard("sum these two numbers:\n7 and 8");
        assert!(!of_list.is_empty() && of_list.iter().all(|kept| !kept.ends_with(':')), "it announces: {of_list:?}");
        let of_code = heard("name the loop that is endless: for (;;) {}");
        assert!(!of_code.is_empty() && of_code.iter().all(|kept| kept.ends_with("for (;;) {}")), "code: {of_code:?}");
    });
}

#[test]
fn answers_to_choose_from_are_no_asides_and_short_texts_have_none() {
    with_table(|table| {
        let text = "who was first?\na. my dear aunt\nb. nobody at all";
        let found = kept(text, &cuts(table, text));
        assert!(!found.is_empty());
        assert!(found.iter().all(|(kept, _)| kept.contains("first?\na.") && kept.contains("\nb. nobody")), "{found:?}");
        let behind = |text: &str| {
            let of_answer = cuts(table, text).into_iter().filter(|cut| !cut.seam.is_ahead());
            of_answer
                .map(|cut| (text[cut.kept.end..].trim().to_owned(), cut.seam, cut.signs[6 * table.dims() + 12]))
                .collect::<Vec<_>>()
        };
        let within = |said: &str| (said.to_owned(), Seam::Answer, 1.0);
        assert_eq!(behind(text), [within("all"), within("at all")], "few words could belong to an answer");
        let many = behind("who was first?\na. my dear aunt\nb. nobody at all my bus is late");
        assert_eq!(many[3], ("my bus is late".to_owned(), Seam::Within, 0.0), "so many could hardly");
        let apart = behind("who was first?\na. my dear aunt\nb. nobody at all. so late");
        assert_eq!(apart[1], ("so late".to_owned(), Seam::Back, 0.0), "a sign ends the answer");
        for text in ["", "thanks", "which train is", "\u{0}"] {
            assert!(cuts(table, text).is_empty(), "{text}");
        }
        let long = "which train is first? ".repeat(50_000);
        assert!(cuts(table, &long).len() <= 2 * MAX_WORDS);
    });
}

#[test]
fn what_has_to_do_with_the_rest_is_seen_to() {
    with_table(|table| {
        let whole = |last: &str| {
            let text = format!("a train leaves the station at noon and another train at one. {last}");
            cuts(table, &text).into_iter().find(|cut| cut.kept.end == text.len() - last.len() - 1).unwrap().signs
        };
        let (near, far) = (whole("which train arrives at the station first?"), whole("my cat likes milk and cheese."));
        let others = 6 * table.dims();
        assert!(near[others] > far[others] + 0.2, "the embeddings of the parts: {} and {}", near[others], far[others]);
        assert!(near[others + 3] > far[others + 3], "words that are there again");
    });
}

/// A net of one unit that hears a single sign, and anything behind a sentence that it speaks for.
fn net_of(table: &Table, sign: usize) -> Asides {
    let mut weights = vec![0.0; n_signs(table.dims())];
    weights[6 * table.dims() + sign] = 1.0;
    let thresholds = [1.0, 1.0, 3.0, 9.0, 9.0];
    Asides { weights, biases: vec![0.0], out: vec![2.0], n_first: 1, least_of_first: -1.0, thresholds }
}

/// The signs of a full stop and of a cry at the end.
const FULL_STOP: usize = 8;
const CRY: usize = 9;

fn left<'a>(table: &Table, asides: &Asides, text: &'a str) -> &'a str {
    let (left, pieces) = asides.stripped(table, text);
    assert_eq!(pieces, pieces_of(table, left), "the pieces of what is left");
    left
}

#[test]
fn a_net_takes_what_speaks_loudest_and_parts_that_do_not_fit_are_refused() {
    with_table(|table| {
        let n = n_signs(table.dims());
        // It hears nothing but cries: where a sentence ends, less must be said.
        let asides = net_of(table, CRY);
        assert_eq!(asides.check(table.dims()), Ok(()));
        assert_eq!(left(table, &asides, "name a train. it was late!"), "name a train.");
        assert_eq!(left(table, &asides, "name a train, it was late!"), "name a train, it was late!");
        let only_question = Asides { thresholds: [-1.0, -1.0, -1.0, 1.0, 1.0], ..asides.clone() };
        assert_eq!(left(table, &only_question, "trains run here. was it late?"), "was it late?");
        let error = asides.check(table.dims() + 1).unwrap_err();
        assert!(
            error.contains(&format!("{n} weights, 1 biases and 1 units, 1 of them first, for {} signs", n + 6)),
            "{error}"
        );
        assert!(Asides::default().check(table.dims()).is_err());
        for n_first in [0, 2] {
            assert!(Asides { n_first, ..asides.clone() }.check(table.dims()).is_err(), "{n_first} of one unit");
        }
    });
}

#[test]
fn only_what_the_first_net_finds_likely_is_told_to_the_others() {
    with_table(|table| {
        let (mut asides, other) = (net_of(table, CRY), net_of(table, FULL_STOP));
        asides.weights.extend(other.weights);
        asides.biases.extend(other.biases);
        asides.out.extend(other.out);
        asides.least_of_first = 0.5;
        assert_eq!(asides.check(table.dims()), Ok(()));
        let (cry, statement) = ("name a train. it was late!", "name a train. it was late.");
        assert_eq!(left(table, &asides, cry), "name a train.");
        assert_eq!(left(table, &asides, statement), statement, "whatever the other would say");
        let both = Asides { n_first: 2, ..asides.clone() };
        assert_eq!(left(table, &both, statement), "it was late.", "of two that sound alike the one in front");
        let more = Asides { thresholds: [3.0; N_SEAMS], ..asides };
        assert_eq!(left(table, &more, cry), cry, "the other says nothing for it");
        let signs = |text: &str| cuts(table, text).swap_remove(2).signs;
        assert_eq!((more.score(&signs(cry)), more.score(&signs(statement))), (Some(2.0), None));
    });
}

#[test]
fn phrases_take_the_form_of_prompts() {
    assert_eq!(canonical_phrase("Best,\\n  TOM"), "best,\ntom");
}
