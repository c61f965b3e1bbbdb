//! The words and numbers that callers build on.

use std::time::Duration;

use decision::PicoUsd;
use http::header::{ALLOW, RETRY_AFTER};
use tonic::Code;

use super::{FIELD_KEY, PUSHBACK_KEY, Rejection, Unanswered, UpstreamEnd};

#[test]
fn every_rejection_has_its_codes() {
    let text = || "why".to_owned();
    let overloaded = Rejection::Overloaded { limit: "limits.x", retry_after: Duration::from_millis(1500) };
    for (rejection, word, grpc, http) in [
        (Rejection::field("f", "why"), "invalid_argument", Code::InvalidArgument, 400),
        (Rejection::Unreadable { complaint: text() }, "unreadable", Code::InvalidArgument, 400),
        (Rejection::TooLarge { most: 5 }, "too_large", Code::ResourceExhausted, 413),
        (Rejection::MediaType { complaint: text() }, "media_type", Code::InvalidArgument, 415),
        (Rejection::Refused { complaint: text() }, "refused", Code::FailedPrecondition, 422),
        (overloaded, "overloaded", Code::ResourceExhausted, 429),
        (Rejection::Late { complaint: "why" }, "deadline_exceeded", Code::DeadlineExceeded, 504),
        (Rejection::Unauthenticated, "unauthenticated", Code::Unauthenticated, 401),
        (Rejection::Forbidden { complaint: "why" }, "forbidden", Code::PermissionDenied, 403),
        (Rejection::NotFound { field: "f".into(), complaint: text() }, "not_found", Code::NotFound, 404),
        (Rejection::Method { allow: "POST" }, "method_not_allowed", Code::Unimplemented, 405),
        (Rejection::Broken { complaint: text() }, "internal", Code::Internal, 500),
    ] {
        assert_eq!(rejection.codes().0, word);
        assert_eq!(rejection.status().code(), grpc, "{word}");
        assert_eq!(rejection.reply().status().as_u16(), http, "{word}");
    }
}

#[test]
fn a_call_that_nobody_answered_has_its_codes_and_its_retry_hint() {
    for (end, word, grpc, http) in [
        (UpstreamEnd::Refused, "upstream_refused", Code::InvalidArgument, 400),
        (UpstreamEnd::TooLong, "context_length_exceeded", Code::InvalidArgument, 400),
        (UpstreamEnd::Busy, "upstream_busy", Code::ResourceExhausted, 429),
        (UpstreamEnd::Away, "upstream_away", Code::Unavailable, 503),
        (UpstreamEnd::Failed, "upstream_failed", Code::Unavailable, 502),
        (UpstreamEnd::Late, "upstream_late", Code::DeadlineExceeded, 504),
        (UpstreamEnd::Cut, "upstream_cut", Code::Aborted, 502),
        (UpstreamEnd::Unaffordable, "refused", Code::FailedPrecondition, 422),
    ] {
        let retry_after = (end == UpstreamEnd::Busy).then(|| Duration::from_millis(700));
        let unanswered = Unanswered {
            end,
            field: "messages".to_owned(),
            complaint: "why".to_owned(),
            retry_after,
            cost: PicoUsd::ZERO,
            n_attempts: 1,
        };
        let rejection = Rejection::Upstream(Box::new(unanswered));
        assert_eq!((rejection.codes().0, rejection.named_field()), (word, "messages"));
        assert_eq!(rejection.status().code(), grpc, "{word}");
        let reply = rejection.reply();
        assert_eq!(reply.status().as_u16(), http, "{word}");
        assert_eq!(reply.headers().get(RETRY_AFTER).is_some(), end == UpstreamEnd::Busy);
    }
}

#[test]
fn a_complaint_from_within_names_the_way_there() {
    let named = |rejection: Rejection| rejection.within("pointsman").named_field().to_owned();
    assert_eq!(named(Rejection::field("limits.allow", "why")), "pointsman.limits.allow");
    assert_eq!(named(Rejection::field("", "why")), "pointsman");
    assert_eq!(named(Rejection::Unreadable { complaint: "why".to_owned() }), "pointsman");
}

#[test]
fn a_shed_caller_hears_when_to_come_again() {
    let shed = Rejection::Overloaded { limit: "limits.x", retry_after: Duration::from_millis(1500) };
    assert_eq!(shed.reply().headers()[RETRY_AFTER], "2");
    assert_eq!(shed.status().metadata().get(PUSHBACK_KEY).unwrap(), "1500");
    assert_eq!(Rejection::Method { allow: "POST" }.reply().headers()[ALLOW], "POST");
}

#[test]
fn the_field_is_named_in_either_door() {
    let rejection = Rejection::field("candidates[3]", "listed twice");
    assert_eq!(rejection.status().metadata().get(FIELD_KEY).unwrap(), "candidates[3]");
    assert_eq!(rejection.status().message(), "candidates[3]: listed twice");
    let error = rejection.in_batch(7);
    assert_eq!((error.code, error.field.as_str()), (3, "requests[7].candidates[3]"));
    // A field that fits no header is still told in the sentence.
    let odd = Rejection::field("prömpt", "why");
    assert_eq!(odd.status().message(), "prömpt: why");
}
