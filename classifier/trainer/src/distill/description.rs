//! What a table says of itself: who its teacher was, under which licence, and how it was made.

use std::path::Path;

use classifier::encoder::{SCHEMA, digest};
use serde_json::{Map, Value, json};

use super::frequencies::HALF_WEIGHT;
use super::{DistillError, Distilled, file};

/// The teacher's files that shape a table, where they exist.
const TEACHING_FILES: [&str; 5] =
    ["config.json", "model.safetensors", "tokenizer.json", "modules.json", "1_Pooling/config.json"];

/// A teacher.
pub(super) struct Teacher {
    pub(super) name: String,
    pub(super) licence: Option<String>,
    dims: usize,
    files: Map<String, Value>,
}

impl Teacher {
    /// Reads who it is: the first heading and the licence of its `README.md`, or the name of its folder.
    pub(super) fn read(directory: &Path, dims: usize) -> Result<Self, DistillError> {
        let folder = directory.canonicalize().map_err(file(directory))?;
        let readme = std::fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        let heading = readme.lines().find_map(|line| line.strip_prefix("# ")).map(|name| name.trim().to_owned());
        let folder_name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let licence = readme.lines().find_map(|line| line.strip_prefix("license:")).map(|name| name.trim().to_owned());
        let mut files = Map::new();
        for name in TEACHING_FILES {
            let path = folder.join(name);
            if path.is_file() {
                let bytes = std::fs::read(&path).map_err(file(&path))?;
                files.insert(name.to_owned(), digest(&bytes).into());
            }
        }
        Ok(Self { name: heading.or_else(folder_name).unwrap_or_default(), licence, dims, files })
    }
}

/// The text of `encoder.json`.
pub(super) fn text(teacher: &Teacher, distilled: &Distilled, files: [(&str, String); 2]) -> Vec<u8> {
    let frequencies = distilled.census.map_or_else(
        || json!({"from": "the ranks of the vocabulary, by Zipf's law"}),
        |census| {
            json!({
                "from": "prompts",
                "n_prompts": census.n_prompts,
                "n_ids": census.n_ids,
                "fingerprint": format!("{:016x}", census.fingerprint),
            })
        },
    );
    let description = json!({
        "schema": SCHEMA,
        "kind": "table",
        "dims": distilled.dims,
        "pieces": distilled.n_pieces,
        "files": files.into_iter().map(|(name, digest)| (name.to_owned(), digest.into())).collect::<Map<_, Value>>(),
        "teacher": {
            "name": teacher.name,
            "licence": teacher.licence,
            "dims": teacher.dims,
            "files": teacher.files,
        },
        "variance_kept": (distilled.variance_kept * 1e6).round() / 1e6,
        "weights": {"half_at_frequency": HALF_WEIGHT, "frequencies": frequencies},
    });
    format!("{description:#}\n").into_bytes()
}
