//! What either door refuses, field by field, and that nothing thrown at it makes it panic.

use decision::{Skill, Skills};
use proptest::prelude::*;
use prost::Message;
use proto::v1;
use proto::v1::route_request::Input;

use super::{MAX_ATTACHMENTS, MAX_NAME_BYTES, question, verdict};
use crate::config::{Limits, Settings};

fn limits() -> Limits {
    Limits { max_prompt_bytes: 100, max_messages: 3, max_candidates: 4, ..Settings::built_in().limits }
}

fn good() -> v1::RouteRequest {
    v1::RouteRequest { input: Some(Input::Prompt("Which lever?".to_owned())), ..v1::RouteRequest::default() }
}

fn talk(messages: Vec<v1::Message>) -> v1::RouteRequest {
    v1::RouteRequest { input: Some(Input::Conversation(v1::Conversation { messages })), ..v1::RouteRequest::default() }
}

fn said(role: v1::Role, text: &str) -> v1::Message {
    v1::Message { role: role.into(), text: text.to_owned(), ..v1::Message::default() }
}

fn with_limits(wishes: v1::Limits) -> v1::RouteRequest {
    v1::RouteRequest { limits: Some(wishes), ..good() }
}

fn with_policy(policy: v1::Policy) -> v1::RouteRequest {
    v1::RouteRequest { own_policy: Some(policy), ..good() }
}

fn with_session(session: v1::Session) -> v1::RouteRequest {
    v1::RouteRequest { session: Some(session), ..good() }
}

#[test]
fn every_bad_policy_of_a_request_is_named() {
    use v1::{Exploration, Lean, Policy, SessionMargins, policy::Mode};
    let floor = |floor: f64| Policy { mode: Some(Mode::QualityFloor(floor)), ..Policy::default() };
    let half = || floor(0.5);
    let names = |n: usize| (0..n).map(|place| format!("n{place}")).collect::<Vec<_>>();
    let named = |policy: &str| v1::RouteRequest { policy: policy.to_owned(), ..with_policy(half()) };
    question(&named(""), &limits()).unwrap();
    let lean = |towards: &str| Some(Lean { towards: towards.to_owned(), shrinkage: None });
    refused(&[
        (named("fast"), "own_policy: expected the name of a policy or one of the request's own, found both"),
        (with_policy(Policy::default()), "own_policy.mode: expected quality_tolerance, quality_floor, usd_per_success"),
        (with_policy(floor(f64::NAN)), "own_policy.quality_floor: expected a quality between 0 and 1, found NaN"),
        (
            with_policy(Policy { mode: Some(Mode::Model("auto".to_owned())), ..half() }),
            "own_policy.model: `auto` is reserved",
        ),
        (
            with_policy(Policy { judge_by: 7, ..half() }),
            "own_policy.judge_by: expected expected, lower_bound or nothing",
        ),
        (with_policy(Policy { lean: lean("m"), ..half() }), "own_policy.lean.shrinkage: expected a number, found none"),
        (
            with_policy(Policy { explore: Some(Exploration::default()), ..half() }),
            "own_policy.explore.rate: expected a number, found none",
        ),
        (
            with_policy(Policy {
                session: Some(SessionMargins { cost_margin: Some(0.1), quality_margin: None }),
                ..half()
            }),
            "own_policy.session.quality_margin: expected a number, found none",
        ),
        (with_policy(Policy { allow: names(5), ..half() }), "own_policy.allow: expected at most 4 names"),
        (with_policy(Policy { deny: names(5), ..half() }), "own_policy.deny: expected at most 4 names"),
        (with_policy(Policy { regions: names(5), ..half() }), "own_policy.regions: expected at most 4 names"),
        (
            with_policy(Policy { fallback: names(decision::MAX_FALLBACKS + 1), ..half() }),
            "own_policy.fallback: expected at most 64 fallbacks, found 65",
        ),
        (
            with_policy(Policy { max_cost_usd: Some(-1.0), ..half() }),
            "own_policy.max_cost_usd: expected an amount in USD",
        ),
    ]);
}

#[test]
fn every_bad_prompt_is_named() {
    use v1::RouteRequest;
    let user = || said(v1::Role::User, "x");
    refused(&[
        (RouteRequest::default(), "prompt: expected a prompt or a conversation, found neither"),
        (
            RouteRequest { input: Some(Input::Prompt(" \n".to_owned())), ..good() },
            "prompt: expected a text, found nothing but spaces",
        ),
        (
            RouteRequest { input: Some(Input::Prompt("x".repeat(101))), ..good() },
            "prompt: expected at most 100 bytes of text (limits.max_prompt_bytes), found 101",
        ),
        (talk(vec![]), "conversation.messages: expected at least one message, found none"),
        (
            talk(vec![user(), user(), user(), user()]),
            "conversation.messages: expected at most 3 (limits.max_messages), found 4",
        ),
        (
            talk(vec![user(), said(v1::Role::Unspecified, "x")]),
            "conversation.messages[1].role: expected system, user, assistant or tool, found none",
        ),
        (
            talk(vec![v1::Message { role: 9, ..user() }]),
            "conversation.messages[0].role: expected system, user, assistant or tool, found number 9",
        ),
        (
            talk(vec![said(v1::Role::User, " ")]),
            "conversation.messages: expected a message with some text or an image, found only empty ones",
        ),
        (
            talk(vec![said(v1::Role::User, &"x".repeat(60)), said(v1::Role::User, &"x".repeat(60))]),
            "conversation.messages: expected at most 100 bytes",
        ),
        (
            talk(vec![v1::Message { n_images: MAX_ATTACHMENTS + 1, ..user() }]),
            "conversation.messages[0].n_images: expected at most 10000, found 10001",
        ),
        (
            talk(vec![v1::Message { n_tool_calls: u32::MAX, ..user() }]),
            "conversation.messages[0].n_tool_calls: expected at most 10000",
        ),
    ]);
}

#[test]
fn every_bad_list_is_named() {
    use v1::{Limits, RouteRequest};
    refused(&[
        (RouteRequest { policy: "Fast!".to_owned(), ..good() }, "policy: expected a policy name"),
        (RouteRequest { candidates: names(&["a", ""]), ..good() }, "candidates[1]: expected a model name"),
        (RouteRequest { candidates: names(&["a", "auto"]), ..good() }, "candidates[1]: `auto` is reserved"),
        (RouteRequest { candidates: names(&["a", "b", "a"]), ..good() }, "candidates[2]: `a` is listed twice"),
        (
            RouteRequest { candidates: names(&["a", "b", "c", "d", "e"]), ..good() },
            "candidates: expected at most 4 names (limits.max_candidates), found 5",
        ),
        (
            RouteRequest { needs: vec![1, 0], ..good() },
            "needs[1]: expected tools, vision, json_schema, audio or documents, found number 0",
        ),
        (
            RouteRequest { needs: vec![77], ..good() },
            "needs[0]: expected tools, vision, json_schema, audio or documents, found number 77",
        ),
        (with_limits(Limits { allow: names(&["\n"]), ..Limits::default() }), "limits.allow[0]: expected a model name"),
        (with_limits(Limits { deny: names(&["a", "a"]), ..Limits::default() }), "limits.deny[1]: `a` is listed twice"),
        (
            with_limits(Limits { regions: names(&[" "]), ..Limits::default() }),
            "limits.regions[0]: expected the name of a region",
        ),
        (
            with_limits(Limits { regions: names(&["a", "b", "c", "d", "e"]), ..Limits::default() }),
            "limits.regions: expected at most 4 names",
        ),
        (
            with_limits(Limits { max_cost_usd: Some(-1.0), ..Limits::default() }),
            "limits.max_cost_usd: expected an amount in USD between 0",
        ),
        (
            with_limits(Limits { max_cost_usd: Some(f64::NAN), ..Limits::default() }),
            "limits.max_cost_usd: expected an amount in USD",
        ),
    ]);
}

#[test]
fn every_bad_number_and_name_is_named() {
    use v1::{RouteRequest, Session};
    let long = "n".repeat(MAX_NAME_BYTES + 1);
    let session = || Session { id: "s".to_owned(), ..Session::default() };
    refused(&[
        (
            RouteRequest { max_completion_tokens: Some(0), ..good() },
            "max_completion_tokens: expected at least 1, found 0",
        ),
        (
            RouteRequest { max_completion_tokens: Some(u32::MAX), ..good() },
            "max_completion_tokens: expected a token count between 0",
        ),
        (RouteRequest { prompt_tokens: Some(0), ..good() }, "prompt_tokens: expected at least 1, found 0"),
        (RouteRequest { tenant: long.clone(), ..good() }, "tenant: expected at most 200 bytes, found 201"),
        (RouteRequest { tenant: "a\u{7}".to_owned(), ..good() }, "tenant: expected no control characters"),
        (with_session(Session::default()), "session.id: expected an id, or a current_model beside it"),
        (with_session(Session { id: long, ..Session::default() }), "session.id: expected at most 200 bytes"),
        (
            with_session(Session { current_model: "auto:x".to_owned(), ..session() }),
            "session.current_model: `auto:x` is reserved",
        ),
        (
            with_session(Session { cached_prompt_tokens: u32::MAX, ..session() }),
            "session.cached_prompt_tokens: expected a token count",
        ),
        (
            with_session(Session { lock: 5, ..session() }),
            "session.lock: expected tool_loop, signed_reasoning or nothing, found number 5",
        ),
    ]);
}

#[track_caller]
fn refused(cases: &[(v1::RouteRequest, &str)]) {
    for (request, complaint) in cases {
        let error = question(request, &limits()).map(|_| ()).expect_err(complaint).to_string();
        assert!(error.starts_with(complaint), "expected {complaint:?}, found {error:?}");
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_conversation_shows_what_it_needs() {
    let image = v1::Message { n_images: 1, ..said(v1::Role::User, "") };
    let seen = question(&talk(vec![image]), &limits()).unwrap().facts.needs;
    assert_eq!(seen, Skills::NONE.with(Skill::Vision));
    let tool = vec![said(v1::Role::User, "x"), said(v1::Role::Tool, "4")];
    let request = v1::RouteRequest { needs: vec![v1::Skill::JsonSchema.into()], ..talk(tool) };
    let seen = question(&request, &limits()).unwrap().facts.needs;
    assert_eq!(seen, Skills::NONE.with(Skill::Tools).with(Skill::JsonSchema));
}

#[test]
fn every_bad_field_of_a_verdict_is_named() {
    let id = "0197a3c2-5b1e-7c44-9f00-1b2c3d4e5f60";
    let good = || v1::ReportOutcomeRequest { decision_id: id.to_owned(), ..v1::ReportOutcomeRequest::default() };
    verdict(&good()).unwrap();
    type Request = v1::ReportOutcomeRequest;
    for (request, complaint) in [
        (Request::default(), "decision_id: expected the id of a decision"),
        (Request { decision_id: id.replace('a', "g"), ..good() }, "decision_id: expected the id"),
        (Request { model: "auto".to_owned(), ..good() }, "model: `auto` is reserved"),
        (Request { quality: Some(1.01), ..good() }, "quality: expected a quality between 0 and 1, found 1.01"),
        (Request { quality: Some(f64::NAN), ..good() }, "quality: expected a quality between 0 and 1, found NaN"),
        (Request { judge: "me".to_owned(), ..good() }, "judge: expected a quality beside the judge, found none"),
        (Request { quality: Some(1.0), judge: "j".repeat(201), ..good() }, "judge: expected at most 200 bytes"),
        (Request { prompt_tokens: Some(u32::MAX), ..good() }, "prompt_tokens: expected a token count"),
        (
            Request { prompt_tokens: Some(1), cached_prompt_tokens: Some(2), ..good() },
            "cached_prompt_tokens: expected at most prompt_tokens, 1, found 2",
        ),
        (Request { completion_tokens: Some(u32::MAX), ..good() }, "completion_tokens: expected"),
        (Request { reasoning_tokens: Some(u32::MAX), ..good() }, "reasoning_tokens: expected"),
        (Request { end: 3, ..good() }, "end: expected answered, provider_failed or nothing, found number 3"),
        (Request { cost_usd: Some(f64::INFINITY), ..good() }, "cost_usd: expected an amount in USD"),
    ] {
        let error = verdict(&request).expect_err(complaint).to_string();
        assert!(error.starts_with(complaint), "expected {complaint:?}, found {error:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_question_or_a_complaint(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::proto(&bytes);
    }

    #[test]
    fn a_good_message_with_a_bitten_byte_is_too(at in 0_usize..200, bite in any::<u8>()) {
        let session = v1::Session { id: "s".to_owned(), lock: 1, current_model: "m".to_owned(), ..v1::Session::default() };
        let messages = vec![said(v1::Role::System, "Be brief."), said(v1::Role::User, "Which lever?")];
        let request = v1::RouteRequest { session: Some(session), needs: vec![1, 2], max_completion_tokens: Some(5), ..talk(messages) };
        let mut bytes = request.encode_to_vec();
        let at = at % bytes.len();
        bytes[at] = bite;
        crate::fuzz::proto(&bytes);
    }
}
