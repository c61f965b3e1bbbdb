//! The entry points for whoever throws random bytes at the doors: a coverage-guided fuzzer, whose targets in `fuzz/` are one call
//! each, and plain tests with the corpus. Each reads bytes as its door would; what must hold is that it returns.

use decision::{Price, Prices};
use http::HeaderMap;
use prost::Message;
use proto::v1;
use serde_json::{Map, Value};

use crate::chat::Chat;
use crate::config::Settings;
use crate::convert;
use crate::json::{BatchJson, OutcomeJson, RouteJson, read, read_value};
use crate::secret::Secret;
use crate::upstream::anthropic::{self, Chunks};
use crate::upstream::failure::{self, Refused, retry_after_ms};
use crate::upstream::sse::Events;
use crate::upstream::usage::{Most, Usage};

/// Bytes as the body of an HTTP request.
pub fn json(bytes: &[u8]) {
    let limits = Settings::built_in().limits;
    let _ = read::<RouteJson>(bytes).and_then(|request| request.question(&limits));
    let _ = read::<OutcomeJson>(bytes).and_then(|outcome| convert::verdict(&outcome.into_wire()));
    if let Ok(batch) = read::<BatchJson>(bytes) {
        for request in batch.requests {
            let _ = read_value::<RouteJson>(request).and_then(|request| request.question(&limits));
        }
    }
}

/// Bytes as the message of a gRPC call.
pub fn proto(bytes: &[u8]) {
    let limits = Settings::built_in().limits;
    if let Ok(request) = v1::RouteRequest::decode(bytes) {
        let _ = convert::question(&request, &limits);
    }
    if let Ok(request) = v1::ReportOutcomeRequest::decode(bytes) {
        let _ = convert::verdict(&request);
    }
    if let Ok(batch) = v1::RouteBatchRequest::decode(bytes) {
        for request in &batch.requests {
            let _ = convert::question(request, &limits);
        }
    }
}

/// Bytes as a call as OpenAI's clients write it: over HTTP, within a message of gRPC, and as that message.
pub fn chat(bytes: &[u8]) {
    let limits = Settings::built_in().limits;
    let _ = Chat::read(bytes, &HeaderMap::new(), &limits);
    let wrapped = v1::CompleteRequest { chat: bytes.to_vec(), ..v1::CompleteRequest::default() };
    let _ = Chat::of_wire(wrapped, &limits);
    if let Ok(request) = v1::CompleteRequest::decode(bytes) {
        let _ = Chat::of_wire(request, &limits);
    }
}

/// Bytes as what an upstream streams: as events, and those as the events of a message.
pub fn stream(bytes: &[u8]) {
    let mut events = Vec::new();
    let mut stream = Events::default();
    let whole = stream.push(bytes, &mut events).and_then(|()| stream.end());
    let mut chunks = Chunks::new("id", "model", 0, true);
    let garbled = events.iter().find_map(|event| chunks.push(event).err());
    if let Some(anthropic::Garbled::Refused(refusal)) = garbled {
        let _ = refusal.meaning(&[]);
    }
    let _ = (whole, chunks.is_complete(), chunks.usage());
}

/// Bytes as what an upstream answers, good or bad, in either shape; and as what a caller asks of one.
pub fn answer(bytes: &[u8]) {
    let body = serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into());
    let _ = anthropic::reply(&body, "id", "model", 0);
    let _ = failure::in_stream(&body, &[]);
    let secrets = [Secret::new("a secret")];
    let status = bytes.first().map_or(400, |byte| 400 + u16::from(*byte));
    let wait = retry_after_ms(None, std::str::from_utf8(bytes).ok(), 0);
    let refused = Refused { status, body: &body, retry_after_ms: wait, secrets: &secrets };
    for meaning in [failure::of_openai(&refused), anthropic::error_of(&refused)] {
        let _ = (meaning.kind.word(), meaning.message.as_str());
    }
    let free =
        Prices { prompt: Price::FREE, cached_prompt: Price::FREE, completion: Price::FREE, reasoning: Price::FREE };
    let told = Usage::of_openai(&body).or_else(|| Usage::of_anthropic(&body));
    let settled = Usage::settled(told, Usage::default).doubted_beyond(Most { prompt: 0, shown: 0, reasoning: 0 });
    let _ = (settled.to_openai(), settled.bill(&free));
    let chat = if let Value::Object(chat) = body { chat } else { Map::new() };
    let _ = anthropic::request(&chat, "claude", 1);
}

#[cfg(test)]
mod tests {
    //! The corpus, replayed: whatever once broke a door, and the shapes a fuzzer begins from.

    use std::fs;
    use std::path::Path;

    type Door = (&'static str, fn(&[u8]));

    const DOORS: [Door; 5] = [
        ("json", super::json),
        ("proto", super::proto),
        ("chat", super::chat),
        ("stream", super::stream),
        ("answer", super::answer),
    ];

    #[test]
    fn the_corpus_is_survived() {
        for (folder, door) in DOORS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
            let files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
            assert!(files.len() >= 8, "{} holds only {} files", folder.display(), files.len());
            for file in files {
                door(&fs::read(file.path()).unwrap());
            }
        }
    }

    #[test]
    fn the_fuzzer_has_a_target_for_each_door() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for (door, _) in DOORS {
            let target = fs::read_to_string(folder.join(format!("fuzz_targets/{door}.rs"))).unwrap();
            assert!(target.contains(&format!("router_service::fuzz::{door}(bytes)")), "{target}");
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{door}.rs\"")), "{door} is no target");
        }
        assert_eq!(fs::read_dir(folder.join("fuzz_targets")).unwrap().count(), DOORS.len());
    }
}
