//! The files of an artifact: read as they were written, and refused with the reason where they are broken.

use std::path::{Path, PathBuf};

use classifier::Artifact;
use classifier::artifact::{ARTIFACT_SCHEMA, Parts};
use classifier::asides::cuts::N_SEAMS;

const FILES: [&str; 5] = [
    "manifest.json",
    "weights.safetensors",
    "encoder/encoder.json",
    "encoder/encoder.safetensors",
    "encoder/tokenizer.json",
];

/// What the built-in artifact may weigh, its encoder included: everybody who builds or starts the program carries it.
const MAX_BUILT_IN_BYTES: u64 = 24_000_000;

/// The files of the built-in artifact in a folder of their own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pointsman-forecasts-{name}-{}", std::process::id()));
        let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../classifier/embedded/artifact");
        std::fs::create_dir_all(folder.join("encoder")).expect("a temporary folder");
        for file in FILES {
            std::fs::copy(embedded.join(file), folder.join(file)).expect("the artifact is part of the repository");
        }
        Self(folder)
    }

    fn change(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.0.join(file);
        let mut bytes = std::fs::read(&path).expect("copied above");
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("a temporary file");
    }

    /// As if the manifest had been written with the files as they are.
    fn sealed(&self) -> &Self {
        let error = Artifact::read(&self.0).err().map(|error| error.to_string()).unwrap_or_default();
        let digests: Vec<&str> = error.split("sha256:").skip(1).map(|rest| &rest[..64]).collect();
        let [was, is] = digests[..] else { panic!("{error}") };
        self.change("manifest.json", replaced(was, is));
        self
    }

    #[track_caller]
    fn refused(&self, complaint: &str) {
        let error = Artifact::read(&self.0).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(complaint), "{error}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The head of tensors, and where they begin behind it.
fn head(bytes: &[u8]) -> (String, usize) {
    let length = u64::from_le_bytes(*bytes.first_chunk().expect("a head"));
    let n = 8 + usize::try_from(length).expect("a short one");
    (String::from_utf8(bytes[8..n].to_vec()).expect("JSON"), n)
}

fn replaced(from: &str, to: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).expect("a manifest is text");
        assert!(text.contains(from), "the manifest has no {from}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    }
}

/// Another number behind the first such key.
fn numbered(key: &str, value: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).expect("a manifest is text");
        let (before, rest) = text.split_once(&format!("\"{key}\": ")).expect("the key");
        let end = rest.find([',', '\n']).expect("more lines");
        *bytes = format!("{before}\"{key}\": {value}{}", &rest[end..]).into_bytes();
    }
}

#[test]
fn the_built_in_artifact_is_light_enough_to_carry() {
    let folder = Folder::new("light");
    let bytes: u64 = FILES.iter().map(|file| std::fs::metadata(folder.0.join(file)).expect("copied").len()).sum();
    assert!(bytes <= MAX_BUILT_IN_BYTES, "{bytes} bytes, expected at most {MAX_BUILT_IN_BYTES}");
}

#[test]
fn a_folder_reads_as_the_built_in_does() {
    let folder = Folder::new("whole");
    let read = Artifact::read(&folder.0).unwrap();
    assert_eq!(read.digest(), Artifact::built_in().unwrap().digest());
}

#[test]
fn files_of_another_artifact_are_refused() {
    let folder = Folder::new("mixed");
    folder.change("weights.safetensors", |bytes| *bytes.last_mut().expect("weights") ^= 1);
    folder.refused("manifest.json, files: expected the weights and the encoder that it was written with, sha256:");
    // How an encoder pools is part of it.
    let folder = Folder::new("pooling");
    let digest = |folder: &Folder| Artifact::read(&folder.0).unwrap().digest().to_owned();
    let mut digests = vec![digest(&folder)];
    std::fs::create_dir(folder.0.join("encoder/1_Pooling")).unwrap();
    for text in ["mean", "first"] {
        std::fs::write(folder.0.join("encoder/1_Pooling/config.json"), text).unwrap();
        folder.refused("manifest.json, files: expected the weights and the encoder that it was written with, sha256:");
        digests.push(digest(folder.sealed()));
    }
    assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[test]
fn what_is_ordinary_in_a_view_is_of_its_traits_and_finite() {
    let mut parts = Artifact::built_in().unwrap().into_parts();
    parts.sights[2].ordinary.mean[0] = f32::NAN;
    let refused = parts.check().unwrap_err().to_string();
    assert!(refused.contains("view 2, ordinary: expected finite numbers"), "{refused}");
    parts.sights[2].ordinary.mean.pop();
    let refused = parts.check().unwrap_err().to_string();
    assert!(refused.contains("view 2, ordinary: expected two numbers for every trait, found 6 and 7"), "{refused}");
}

/// What is inside the binary, changed like this, is refused with this complaint.
fn refused(change: impl FnOnce(&mut Parts), complaint: &str) {
    let mut parts = Artifact::built_in().expect("it is inside the binary").into_parts();
    change(&mut parts);
    let refused = parts.check().expect_err(complaint).to_string();
    assert!(refused.contains(complaint), "{refused}");
}

#[test]
fn manners_are_known_from_not_at_all_to_wholly_of_every_model_and_topic() {
    let place = "manner: expected how well it is known, and a habit, for every model and topic, found";
    refused(|parts| parts.manner.known[7] = -1.0, &format!("{place} a manner known by -1"));
    refused(|parts| parts.manner.known[7] = f32::NAN, &format!("{place} a manner known by NaN"));
    refused(|parts| parts.manner.habits[7] = f32::INFINITY, &format!("{place} inf"));
    refused(|parts| parts.manner.log_usual = f32::NAN, &format!("{place} NaN"));
    let n = Artifact::built_in().expect("it is inside the binary").parts().manner.habits.len();
    let short = format!("{place} {n} and {} numbers where {n} are expected", n - 1);
    refused(|parts| parts.manner.habits.truncate(n - 1), &short);
}

#[test]
fn who_was_asked_is_known_in_shares_of_every_model_and_source() {
    let place = "asked: expected the shares of the sources, for every topic and model, found";
    refused(|parts| parts.asked.known[7] = 1.5, &format!("{place} a share of 1.5"));
    refused(|parts| parts.asked.sources[7] = f32::NAN, &format!("{place} a share of NaN"));
    let short = format!("{place} 1127 and 3 numbers where 1127 and 1477 are expected");
    refused(|parts| parts.asked.known.truncate(3), &short);
    let doubts = "calibration: expected finite numbers, and doubts that are not below 0";
    refused(|parts| parts.calibration.doubt_apart = -0.5, doubts);
}

#[test]
fn broken_artifacts_are_refused_with_the_reason() {
    let folder = Folder::new("missing");
    std::fs::remove_file(folder.0.join("weights.safetensors")).unwrap();
    folder.refused("weights.safetensors");

    let folder = Folder::new("truncated");
    folder.change("weights.safetensors", |bytes| bytes.truncate(1_000_000));
    folder.sealed().refused("weights.safetensors, the whole file: expected tensors in the safetensors format");

    let folder = Folder::new("nan");
    folder.change("weights.safetensors", |bytes| {
        let (head, n) = head(bytes);
        let of_tensor = head.split("\"asides.weights\"").nth(1).expect("asides have weights");
        let offset = of_tensor.split("\"data_offsets\":[").nth(1).and_then(|rest| rest.split(',').next());
        let at = n + offset.and_then(|offset| offset.parse::<usize>().ok()).expect("a place");
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    folder
        .sealed()
        .refused("weights.safetensors, tensor `asides.weights`, number 0: expected a finite number, found NaN");

    let folder = Folder::new("schema");
    let (ours, theirs) = (ARTIFACT_SCHEMA, ARTIFACT_SCHEMA + 1);
    folder.change("manifest.json", replaced(&format!("\"schema\": {ours}"), &format!("\"schema\": {theirs}")));
    let complaint = format!("schema: expected {ours}, which this build reads, found {theirs}; train it anew, or use");
    folder.refused(&format!("manifest.json, {complaint}"));

    let folder = Folder::new("features");
    folder.change("manifest.json", replaced("\"feature_schema\": 6", "\"feature_schema\": 2"));
    folder.refused("feature_schema: expected 6");

    let folder = Folder::new("asides");
    folder.change("manifest.json", replaced("\"asides\": true", "\"asides\": 1"));
    folder.refused("manifest.json, the whole file: expected the manifest of an artifact");

    let folder = Folder::new("numbers");
    folder.change("weights.safetensors", |bytes| {
        let (head, n) = head(bytes);
        let head = head.replace("\"asides.least_of_first\"", "\"nobody's\"");
        let head = head.replace("\"asides.thresholds\"", "\"asides.least_of_first\"");
        let length = (head.len() as u64).to_le_bytes();
        bytes.splice(..n, length.into_iter().chain(head.into_bytes()));
    });
    folder.sealed().refused(&format!(
        "weights.safetensors, tensor `asides.least_of_first`: expected a length of 1, found {N_SEAMS}"
    ));
}

#[test]
fn parts_that_do_not_fit_one_another_are_refused() {
    let folder = Folder::new("dimension");
    folder.change("manifest.json", replaced("\"kind\": \"feature_net\"", "\"kind\": \"reading_net\""));
    folder.refused("expected numbers of type");

    // A view whose own topics ask for features that no tensor has.
    let folder = Folder::new("own-topics");
    folder.change("weights.safetensors", |bytes| {
        let (from, to) = (b".topics.centre\"", b".topics.center\"");
        let at = (0..bytes.len() - from.len()).find(|at| bytes[*at..].starts_with(from)).expect("a view of topics");
        bytes[at..at + to.len()].copy_from_slice(to);
    });
    folder.sealed().refused(".topics.centre`");

    // Views that see topics, and nobody who tells them.
    let folder = Folder::new("topics");
    folder.change("manifest.json", replaced("\"topics\": true", "\"topics\": false"));
    folder.refused("view 0: expected a view that fits the features");

    let folder = Folder::new("benchmarks");
    folder.change("manifest.json", replaced("\"benchmarks\": [", "\"benchmarks\": [\"one too many\","));
    folder.refused("tensor `benchmarks`: expected a row for each of");

    let folder = Folder::new("no-json");
    folder.change("manifest.json", |bytes| bytes.truncate(500));
    folder.refused("manifest.json, the whole file: expected the manifest of an artifact");

    let folder = Folder::new("encoder");
    folder.change("encoder/encoder.safetensors", |bytes| bytes.truncate(4_000));
    folder.refused("encoder.safetensors, digest: expected sha256:");
}

#[test]
fn numbers_that_would_make_others_none_are_refused() {
    for (key, value, complaint) in [
        (
            "doubt",
            "-0.5",
            "manifest.json, calibration: expected finite numbers, and doubts that are not below 0, found doubt -0.5",
        ),
        ("weight", "-0.1", "manifest.json, sights[0].weight: expected a number of 0 or more, found -0.1"),
        ("reasoning", "3.0", "finite numbers, and a share from 0 to 1 as reasoning, found reasoning 3"),
        (
            "slope",
            "1e39",
            "manifest.json, the whole file: expected the manifest of an artifact, found number out of range",
        ),
    ] {
        let folder = Folder::new("manifest");
        folder.change("manifest.json", numbered(key, value));
        folder.refused(complaint);
    }
}
