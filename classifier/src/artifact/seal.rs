//! What binds the files of an artifact: the manifest bears the digest of the others, so that those of another artifact, or one that
//! changed, are none of its own.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{ARTIFACT_SCHEMA, ArtifactError, Files, MANIFEST};
use crate::features::{FEATURE_SCHEMA, HAND_FEATURES};

/// Checks that the files beside a manifest are those that it was written with.
pub(super) fn check(files: &Files) -> Result<(), ArtifactError> {
    #[derive(Deserialize)]
    struct Seal {
        files: String,
    }
    let manifest = files.get(Path::new(MANIFEST)).map(Vec::as_slice).unwrap_or_default();
    check_versions(manifest)?;
    let Seal { files: expected } = serde_json::from_slice(manifest).map_err(|error| not_a_manifest(&error))?;
    let found = digest_of(files, |name| name != Path::new(MANIFEST));
    if found == expected {
        return Ok(());
    }
    Err(ArtifactError::Content {
        file: MANIFEST,
        place: "files".to_owned(),
        expected: format!("the weights and the encoder that it was written with, {expected}"),
        found: format!("others, or changed ones, {found}"),
    })
}

/// The versions are read first, from whatever else the manifest holds: another version has other keys.
pub(super) fn check_versions(manifest: &[u8]) -> Result<(), ArtifactError> {
    #[derive(Deserialize)]
    struct Versions {
        schema: u32,
        feature_schema: u32,
        n_features: usize,
    }
    let read: Versions = serde_json::from_slice(manifest).map_err(|error| not_a_manifest(&error))?;
    for (key, expected, found) in
        [("schema", ARTIFACT_SCHEMA, read.schema), ("feature_schema", FEATURE_SCHEMA, read.feature_schema)]
    {
        if found != expected {
            return Err(ArtifactError::Schema { key, expected, found });
        }
    }
    if read.n_features != HAND_FEATURES {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (expected, found) = (small(HAND_FEATURES), small(read.n_features));
        return Err(ArtifactError::Schema { key: "n_features", expected, found });
    }
    Ok(())
}

/// What the parser says of a file that is none.
pub(super) fn not_a_manifest(error: &serde_json::Error) -> ArtifactError {
    ArtifactError::Content {
        file: MANIFEST,
        place: "the whole file".to_owned(),
        expected: "the manifest of an artifact".to_owned(),
        found: error.to_string(),
    }
}

/// One digest over the names and contents of those that are wanted, in order of the names.
pub(super) fn digest_of(files: &Files, wanted: impl Fn(&PathBuf) -> bool) -> String {
    let wanted = files.iter().filter(|(name, _)| wanted(name));
    let mut ordered: Vec<(String, &[u8])> =
        wanted.map(|(name, bytes)| (name.to_string_lossy().replace('\\', "/"), bytes.as_slice())).collect();
    ordered.sort_unstable();
    let mut whole = Sha256::new();
    for (name, bytes) in ordered {
        whole.update((name.len() as u64).to_le_bytes());
        whole.update(name.as_bytes());
        whole.update(Sha256::digest(bytes));
    }
    let digits: String = whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
