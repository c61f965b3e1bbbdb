//! What upstreams tell of tokens, the truth and lies.

use decision::{MAX_TOKENS, PicoUsd, Price, Prices};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use super::{Most, Usage};

/// Prompt, cached, written, completion, reasoning; a question mark where it is doubted.
fn shown(usage: Option<Usage>) -> String {
    let Some(usage) = usage else { return "none".to_owned() };
    let Usage { prompt, cached_prompt, cache_write, completion, reasoning, estimated, doubtful } = usage;
    assert!(!estimated, "what was told is not estimated");
    format!("{prompt} {cached_prompt} {cache_write} {completion} {reasoning}{}", if doubtful { " ?" } else { "" })
}

#[track_caller]
fn openai(usage: &Value, expected: &str) {
    assert_eq!(shown(Usage::of_openai(usage)), expected);
}

#[track_caller]
fn anthropic(usage: &Value, expected: &str) {
    assert_eq!(shown(Usage::of_anthropic(usage)), expected);
}

#[test]
fn the_counts_of_openai_are_read() {
    openai(&json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}), "10 0 0 5 0");
    openai(
        &json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 3}}),
        "10 4 0 5 3",
    );
    openai(
        &json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": null, "completion_tokens_details": {}}),
        "10 0 0 5 0",
    );
    openai(&json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6}), "10 6 0 5 0");
    openai(&json!({"prompt_tokens": 0, "completion_tokens": 0}), "0 0 0 0 0");
}

#[test]
fn reasoning_beside_the_completion_is_put_inside() {
    let beside = |total: u64| json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 20}});
    openai(&beside(35), "10 0 0 25 20");
    // Without a total that says so it is a lie.
    openai(&beside(15), "10 0 0 5 0 ?");
}

#[test]
fn the_counts_of_anthropic_are_put_together() {
    anthropic(&json!({"input_tokens": 10, "output_tokens": 5}), "10 0 0 5 0");
    anthropic(
        &json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 30}),
        "140 100 30 5 0",
    );
    anthropic(
        &json!({"input_tokens": 1, "output_tokens": 5, "cache_read_input_tokens": null, "service_tier": "standard"}),
        "1 0 0 5 0",
    );
}

#[test]
fn no_usage_is_none() {
    for nothing in [json!(null), json!({}), json!([]), json!("many"), json!(7)] {
        openai(&nothing, "none");
        anthropic(&nothing, "none");
    }
}

#[test]
fn what_cannot_be_true_is_doubted_and_not_believed() {
    let most = u64::from(MAX_TOKENS);
    for (prompt, read) in [
        (json!(-1), "0 0 0 5 0 ?"),
        (json!(1.5), "0 0 0 5 0 ?"),
        (json!("10"), "0 0 0 5 0 ?"),
        (json!(null), "0 0 0 5 0 ?"),
        (json!([10]), "0 0 0 5 0 ?"),
        (json!(most + 1), "0 0 0 5 0 ?"),
        (json!(u64::MAX), "0 0 0 5 0 ?"),
        (json!(1e300), "0 0 0 5 0 ?"),
        (json!(most), "100000000 0 0 5 0"),
    ] {
        openai(&json!({"prompt_tokens": prompt, "completion_tokens": 5}), read);
        anthropic(&json!({"input_tokens": prompt, "output_tokens": 5}), read);
    }
    openai(&json!({"prompt_tokens": 10}), "10 0 0 0 0 ?");
    openai(&json!({"prompt_tokens": 10, "completion_tokens": -3}), "10 0 0 0 0 ?");
    openai(
        &json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 11}}),
        "10 0 0 5 0 ?",
    );
    openai(
        &json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -1}}),
        "10 0 0 5 0 ?",
    );
    openai(&json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": "x"}), "10 0 0 5 0 ?");
    openai(
        &json!({"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}}),
        "10 0 0 5 0 ?",
    );
    anthropic(&json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": -4}), "10 0 0 5 0 ?");
    // Each part can be, all together cannot.
    let parts = json!({"cached_tokens": 6, "cache_write_tokens": 5});
    openai(&json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": parts}), "10 0 0 5 0 ?");
    anthropic(&json!({"input_tokens": most, "output_tokens": 5, "cache_read_input_tokens": 1}), "0 0 0 5 0 ?");
}

#[test]
fn more_than_an_answer_can_have_taken_is_doubted() {
    const SHOWN: u64 = 5;
    const REASONED: u64 = 7;
    let told = Usage { prompt: 10, completion: SHOWN + REASONED, reasoning: REASONED, ..Usage::default() };
    let doubtful = |prompt, shown, reasoning| told.doubted_beyond(Most { prompt, shown, reasoning }).doubtful;
    assert!(!doubtful(10, SHOWN, REASONED));
    assert!(doubtful(10, SHOWN - 1, REASONED) && doubtful(10, SHOWN, REASONED - 1) && doubtful(9, SHOWN, REASONED));
}

#[test]
fn nothing_is_doubted_where_there_was_something() {
    let heard = Usage { prompt: 3, completion: 2, ..Usage::default() };
    let doubtful =
        |prompt, completion| Usage { prompt, completion, ..Usage::default() }.doubted_if_nothing(&heard).doubtful;
    assert!(doubtful(0, 0) && doubtful(0, 2) && doubtful(3, 0) && !doubtful(1, 1));
    let silent = Usage { completion: 0, ..heard };
    assert!(!Usage { prompt: 3, ..Usage::default() }.doubted_if_nothing(&silent).doubtful, "an empty answer");
}

#[test]
fn what_is_booked_is_what_was_told_unless_it_is_doubted() {
    let counted = Usage { prompt: 9, completion: 4, ..Usage::default() };
    let told = Usage { prompt: 10, cached_prompt: 3, completion: 5, ..Usage::default() };
    assert_eq!(Usage::settled(Some(told), || counted), told);
    assert_eq!(Usage::settled(None, || counted), Usage { estimated: true, ..counted });
    let doubted = Usage { doubtful: true, ..told };
    assert_eq!(Usage::settled(Some(doubted), || counted), Usage { estimated: true, doubtful: true, ..counted });
}

#[test]
fn each_kind_of_token_has_its_price() {
    let price = |usd: f64| Price::from_usd_per_1m(usd).unwrap();
    let prices =
        Prices { prompt: price(1.0), cached_prompt: price(0.1), completion: price(10.0), reasoning: price(20.0) };
    let usage = Usage { prompt: 100, cached_prompt: 40, completion: 30, reasoning: 20, ..Usage::default() };
    // 60 fresh, 40 cached, 10 of the answer, 20 of reasoning.
    assert_eq!(usage.bill(&prices), PicoUsd(60_000_000 + 4_000_000 + 100_000_000 + 400_000_000));
    let writes = Usage { cache_write: 50, ..usage };
    assert_eq!(writes.bill(&prices), usage.bill(&prices));
}

#[test]
fn cache_writes_are_shown_where_there_are_any() {
    let usage =
        Usage { prompt: 100, cached_prompt: 40, cache_write: 7, completion: 30, reasoning: 20, ..Usage::default() };
    let expected = json!({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 7}, "completion_tokens_details": {"reasoning_tokens": 20}});
    assert_eq!(usage.to_openai(), expected);
    assert_eq!(Usage::default().to_openai()["prompt_tokens_details"], json!({"cached_tokens": 0}));
}

fn count() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u64..1000).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!({"cached_tokens": 1})),
    ]
}

proptest! {
    #[test]
    fn what_is_told_again_is_read_the_same(prompt in 0_u64..1000, cached in 0_u64..1000, written in 0_u64..1000, completion in 0_u64..1000, reasoning in 0_u64..1000) {
        let cached_prompt = cached.min(prompt);
        let cache_write = written.min(prompt - cached_prompt);
        let usage = Usage { prompt, cached_prompt, cache_write, completion, reasoning: reasoning.min(completion), ..Usage::default() };
        prop_assert_eq!(Usage::of_openai(&usage.to_openai()), Some(usage));
    }

    #[test]
    fn no_part_is_ever_more_than_its_whole(a in count(), b in count(), c in count(), d in count(), e in count()) {
        let openai = json!({"prompt_tokens": a, "completion_tokens": b, "total_tokens": e,
            "prompt_tokens_details": {"cached_tokens": c}, "completion_tokens_details": {"reasoning_tokens": d}});
        let anthropic = json!({"input_tokens": a, "output_tokens": b, "cache_read_input_tokens": c, "cache_creation_input_tokens": d});
        for usage in [Usage::of_openai(&openai).unwrap(), Usage::of_anthropic(&anthropic).unwrap()] {
            prop_assert!(usage.cached_prompt + usage.cache_write <= usage.prompt && usage.prompt <= u64::from(MAX_TOKENS));
            prop_assert!(usage.reasoning <= usage.completion && usage.completion <= u64::from(MAX_TOKENS));
            let kinds = usage.by_kind();
            prop_assert_eq!(u64::from(kinds.completion.get()) + u64::from(kinds.reasoning.get()), usage.completion);
        }
    }
}
