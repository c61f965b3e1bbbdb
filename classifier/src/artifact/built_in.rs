//! What is inside the binary: the artifact that was trained on public outcomes, and the catalog of the models it knows.

use decision::Catalog;

/// The artifact's files: the manifest, the weights, and the encoder's three.
pub(super) const FILES: [(&str, &[u8]); 5] = [
    ("manifest.json", include_bytes!("../../embedded/artifact/manifest.json")),
    ("weights.safetensors", include_bytes!("../../embedded/artifact/weights.safetensors")),
    ("encoder/encoder.json", include_bytes!("../../embedded/artifact/encoder/encoder.json")),
    ("encoder/encoder.safetensors", include_bytes!("../../embedded/artifact/encoder/encoder.safetensors")),
    ("encoder/tokenizer.json", include_bytes!("../../embedded/artifact/encoder/tokenizer.json")),
];

/// The digest over these files. Written down, since hashing them at every start takes longer than reading them; a test reads
/// the directory and compares.
pub(super) const DIGEST: &str = include_str!("../../embedded/artifact.sha256").trim_ascii();

/// The files of the encoder inside the binary, by name: what training starts from where nobody names another.
pub fn built_in_encoder() -> [(&'static str, &'static [u8]); 3] {
    let [_, _, rest @ ..] = FILES;
    rest.map(|(name, bytes)| (name.trim_start_matches("encoder/"), bytes))
}

/// The catalog inside the binary: every model that the built-in artifact was trained on and that has a price.
pub fn built_in_catalog() -> Catalog {
    Catalog::from_toml(include_str!("../../embedded/catalog.toml")).expect("the built-in catalog is read by a test")
}
