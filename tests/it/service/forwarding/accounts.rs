//! Who pays for what: tokens as the provider tells them, our own count where it tells none or cannot be believed, every attempt, once.

use http::StatusCode;
use proto::v1;
use proto::v1::complete_reply::Part;
use router_service::config::ProviderKind;
use serde_json::{Value, json};

use super::provider::{self, Provider, Turn, chunk, reply, stream};
use super::{CHEAP, DEAR, ask, chat, events, forwarding, forwarding_with, streamed};
use crate::service::Running;
use crate::service::life::Scratch;

#[tokio::test]
async fn tokens_that_nobody_told_or_that_cannot_be_are_counted_here() {
    for (usage, source) in [
        (json!({ "prompt_tokens": 9, "completion_tokens": 3 }), "reported"),
        (Value::Null, "estimated"),
        (json!({}), "estimated"),
        (json!({ "prompt_tokens": -9, "completion_tokens": 3 }), "doubtful"),
        (json!({ "prompt_tokens": 9, "completion_tokens": 4_000_000_000_u64 }), "doubtful"),
        (json!({ "prompt_tokens": 9, "completion_tokens": "3" }), "doubtful"),
        (
            json!({ "prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": { "cached_tokens": 10 } }),
            "doubtful",
        ),
    ] {
        let turns =
            vec![reply("The left one, of course.", &usage), stream(&["The left one,", " of course."], Some(&usage))];
        let provider = Provider::start(turns).await;
        let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
        let whole = ask(&running, &chat(DEAR)).await;
        assert_eq!(whole.headers["x-pointsman-usage"], source, "{usage}");
        let all = events(&ask(&running, &streamed(DEAR)).await);
        let told = &all[all.len() - 2];
        assert_eq!(told["pointsman"]["usage"], source, "{usage}");
        let expected = if source == "reported" { 3 } else { 7 };
        assert_eq!(told["usage"]["completion_tokens"], expected, "five words and two marks; {usage}");
        assert_eq!(whole.json()["usage"]["completion_tokens"], expected, "{usage}");
        assert_eq!(running.counted("pointsman_forwarded_usage_total", &[source]), 2);
        running.ended().await;
    }
}

/// A vocabulary of single characters, of which white space is none.
const CHARACTERS: &str = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"WhitespaceSplit"},
    "post_processor":null,"decoder":null,"model":{"type":"BPE","unk_token":"?","vocab":{"?":0},"merges":[]}}"#;

#[tokio::test]
async fn where_a_model_s_vocabulary_is_named_it_counts_what_nobody_told() {
    let scratch = Scratch::new("vocabulary");
    let file = scratch.write("tokenizer.json", CHARACTERS);
    let spoken = ["The le", "ft one, of cou", "rse."];
    let calling = json!({ "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": { "content": null, "tool_calls":
        [{ "id": "c", "type": "function", "function": { "name": "move", "arguments": "{\"to\": 1}" } }] } }] });
    let calling = provider::response("200 OK", "application/json", "", &calling.to_string());
    let doubtful = json!({ "prompt_tokens": 9, "completion_tokens": 4_000_000_000_u64 });
    let told = json!({ "prompt_tokens": 9, "completion_tokens": 3 });
    let (question, answer, call) = (25, 20, 4 + 8);
    for (turn, stream_asked, source, expected) in [
        (reply(&spoken.concat(), &Value::Null), false, "estimated", (question, answer)),
        (reply(&spoken.concat(), &doubtful), false, "doubtful", (question, answer)),
        (reply(&spoken.concat(), &told), false, "reported", (9, 3)),
        (stream(&spoken, None), true, "estimated", (question, answer)),
        (stream(&spoken, Some(&told)), true, "reported", (9, 3)),
        (Turn::Says(calling), false, "estimated", (question, call)),
    ] {
        let provider = Provider::start(vec![turn]).await;
        let mut settings = forwarding(&[(&provider, &[DEAR])]);
        settings.forwarding.providers[0].models[0].tokenizer_file = Some(file.clone());
        let running = Running::start(settings).await;
        let usage = if stream_asked {
            let all = events(&ask(&running, &streamed(DEAR)).await);
            all[all.len() - 2]["usage"].clone()
        } else {
            ask(&running, &chat(DEAR)).await.json()["usage"].clone()
        };
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(expected.0), &json!(expected.1)));
        assert_eq!(running.counted("pointsman_forwarded_usage_total", &[source]), 1);
        running.ended().await;
    }
}

#[tokio::test]
async fn a_vocabulary_counts_tools_and_what_broke_off_but_not_what_the_caller_told() {
    let scratch = Scratch::new("vocabulary-told");
    let begun = provider::events(&[chunk(&json!({ "content": "The left one," }), &Value::Null)]);
    let provider = Provider::start(vec![Turn::Says(begun)]).await;
    let mut settings = forwarding_with(&[(&provider, &[DEAR])], "[forwarding]\nn_attempts_max = 1\n");
    settings.forwarding.providers[0].models[0].tokenizer_file = Some(scratch.write("tokenizer.json", CHARACTERS));
    let running = Running::start(settings).await;
    let tool = r#"{"type":"function","function":{"name":"move"}}"#;
    for (more, n_prompt) in [
        (json!({}), 25),
        (json!({ "pointsman": { "prompt_tokens": 100 } }), 100),
        (json!({ "tools": [serde_json::from_str::<Value>(tool).unwrap()] }), 25 + 2 + tool.len()),
    ] {
        let mut body = streamed(DEAR);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let all = events(&ask(&running, &body).await);
        let usage = &all[all.len() - 2]["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(n_prompt), &json!(11)), "{more}");
    }
    running.ended().await;
}

#[tokio::test]
async fn each_kind_of_token_has_its_price_and_a_provider_may_have_its_own() {
    let usage = json!({
        "prompt_tokens": 100, "prompt_tokens_details": { "cached_tokens": 40 },
        "completion_tokens": 50, "completion_tokens_details": { "reasoning_tokens": 20 },
    });
    let provider = Provider::start(vec![reply("Left.", &usage)]).await;
    let mut settings = forwarding(&[(&provider, &[DEAR])]);
    let price = |usd| decision::Price::from_usd_per_1m(usd).unwrap();
    settings.forwarding.providers[0].models[0].prices = Some(decision::Prices {
        prompt: price(1.0),
        cached_prompt: price(0.5),
        completion: price(2.0),
        reasoning: price(4.0),
    });
    let running = Running::start(settings).await;
    // 60 x 1 + 40 x 0.5 + 30 x 2 + 20 x 4 = 220 micro-dollars.
    assert_eq!(ask(&running, &chat(DEAR)).await.headers["x-pointsman-cost-usd"], "0.00022");
    running.ended().await;
}

#[tokio::test]
async fn a_lost_attempt_is_billed_beside_the_one_that_answered_and_savings_are_net_of_it() {
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 1000 });
    let lost = Provider::start(vec![Turn::Resets]).await;
    let good = Provider::start(vec![reply("Left.", &usage)]).await;
    let rule = format!("[forwarding]\nbaseline_model = \"{DEAR}\"\n");
    let running = Running::start(forwarding_with(&[(&lost, &[CHEAP]), (&good, &[CHEAP])], &rule)).await;
    let mut n = 0;
    while lost.calls().is_empty() {
        let answer = ask(&running, &chat(CHEAP)).await;
        assert_eq!(answer.headers["x-pointsman-provider"], "p1");
        n += 1;
    }
    let metric = |name: &str, labels: &[&str]| running.metric(name, labels)[0].parse::<f64>().unwrap();
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &[CHEAP, "answered"]), n);
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &[]), n, "one outcome a call");
    assert_eq!(running.counted("pointsman_upstream_attempts_total", &[]), n + 1);
    assert!(metric("pointsman_forwarded_cost_usd_total", &[CHEAP, "failed"]) > 0.0);
    let answered = metric("pointsman_forwarded_cost_usd_total", &[CHEAP, "answered"]);
    let baseline = metric("pointsman_baseline_cost_usd_total", &[DEAR]);
    #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
    let calls = n as f64;
    // 1000 tokens each way: $0.00075 at the cheap model, $0.09 at the baseline. The tolerance is that of the printed digits.
    assert!(
        (answered - 0.00075 * calls).abs() < 1e-9 && (baseline - 0.09 * calls).abs() < 1e-9,
        "{answered} {baseline}"
    );
    running.ended().await;
}

#[tokio::test]
async fn a_call_that_nobody_answered_tells_what_it_cost_all_the_same() {
    let provider = Provider::start(vec![Turn::Resets]).await;
    let running = Running::start(forwarding_with(&[(&provider, &[DEAR])], "[forwarding]\nn_attempts_max = 1\n")).await;
    let answer = ask(&running, &chat(DEAR)).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.text());
    let told: f64 = answer.headers["x-pointsman-cost-usd"].to_str().unwrap().parse().unwrap();
    assert!(told > 0.0, "the provider may have billed what got lost");
    let request = v1::CompleteRequest { chat: chat(DEAR).to_string().into(), ..v1::CompleteRequest::default() };
    let mut parts = running.client().complete(request).await.unwrap().into_inner();
    let decided = parts.message().await.unwrap().unwrap();
    assert!(matches!(decided.part, Some(Part::Decision(_))));
    let Some(Part::End(end)) = parts.message().await.unwrap().unwrap().part else { panic!("it ends") };
    assert_eq!((end.cost_usd.to_bits(), end.n_attempts), (told.to_bits(), 1));
    let counted: f64 = running.metric("pointsman_outcome_cost_usd_total", &[DEAR])[0].parse().unwrap();
    // The tolerance is that of the printed digits.
    assert!((counted - 2.0 * told).abs() < 1e-9, "{counted}, {told} told twice");
    running.ended().await;
}

#[tokio::test]
async fn a_verdict_on_a_forwarded_call_does_not_bill_it_again() {
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 1000 });
    let provider = Provider::start(vec![reply("Left.", &usage)]).await;
    let running = Running::start(forwarding(&[(&provider, &[CHEAP])])).await;
    let answer = ask(&running, &chat(CHEAP)).await;
    let bill = running.metric("pointsman_outcome_cost_usd_total", &[CHEAP]);
    assert_ne!(bill, ["0"]);
    let decision = answer.headers["x-pointsman-decision"].to_str().unwrap();
    let verdict = json!({ "decision_id": decision, "quality": 1.0, "judge": "test", "cost_usd": 5.0 });
    assert!(running.post("/v1/outcomes", verdict.to_string()).await.status.is_success());
    assert_eq!(running.metric("pointsman_outcome_cost_usd_total", &[CHEAP]), bill);
    assert_eq!(running.counted("pointsman_outcomes_judged_total", &[CHEAP]), 1);
    running.ended().await;
}

#[tokio::test]
async fn a_call_that_was_refused_told_nothing_of_tokens() {
    let refusing = provider::error("400 Bad Request", "invalid_request_error", "bad", "");
    let provider = Provider::start(vec![refusing]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    assert_eq!(ask(&running, &chat(DEAR)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &["upstream_refused"]), 1);
    assert_eq!(running.counted("pointsman_forwarded_usage_total", &["none"]), 1);
    assert_eq!(running.counted("pointsman_forwarded_usage_total", &[]), 1);
    running.ended().await;
}

#[tokio::test]
async fn an_echo_bills_nobody_whatever_address_stands_beside_it() {
    let nobody = Provider::start(vec![Turn::Resets]).await;
    let mut settings = forwarding(&[(&nobody, &[DEAR])]);
    settings.forwarding.providers[0].kind = ProviderKind::Echo;
    let running = Running::start(settings).await;
    let answer = ask(&running, &chat(DEAR)).await;
    assert_eq!((answer.status, answer.headers["x-pointsman-cost-usd"].to_str().unwrap()), (StatusCode::OK, "0"));
    assert!(nobody.calls().is_empty());
    running.ended().await;
}

#[tokio::test]
async fn a_budget_is_settled_though_the_decision_was_forgotten_before_its_call_ended() {
    let scratch = Scratch::new("forgotten");
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 4000 });
    let provider = Provider::start(vec![reply("Left.", &usage)]).await;
    let mut settings = forwarding(&[(&provider, &[DEAR])]);
    let rules = "mode = \"budget\"\nusd_per_request = 0.1\nwhen_spent = \"refuse\"\n";
    settings.sources.policies = Some(scratch.write("policies.toml", &format!("default = \"p\"\n[policy.p]\n{rules}")));
    settings.memory.decisions = 0;
    let running = Running::start(settings).await;
    assert_eq!(ask(&running, &chat("auto")).await.status, StatusCode::OK);
    // The bill was $0.27, so that two requests' budget is gone.
    let second = ask(&running, &chat("auto")).await;
    assert_eq!((second.status, &second.json()["error"]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("refused")));
    running.ended().await;
}
