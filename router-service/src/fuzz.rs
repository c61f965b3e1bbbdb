//! The entry points for whoever throws random bytes at the doors: a coverage-guided fuzzer, whose target is one call of these,
//! and plain tests with the corpus. Each reads bytes as its door would; what must hold is that it returns.

use prost::Message;
use proto::v1;

use crate::config::Settings;
use crate::convert;
use crate::json::{BatchJson, OutcomeJson, RouteJson, read, read_value};

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

#[cfg(test)]
mod tests {
    //! The corpus, replayed: whatever once broke a door, and the shapes a fuzzer begins from.

    use std::fs;
    use std::path::Path;

    #[test]
    fn the_corpus_is_survived() {
        for (folder, door) in [("json", super::json as fn(&[u8])), ("proto", super::proto)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
            let files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
            assert!(files.len() >= 8, "{} holds only {} files", folder.display(), files.len());
            for file in files {
                door(&fs::read(file.path()).unwrap());
            }
        }
    }
}
