//! Stable hashes: the same bytes give the same number on every machine and in every release, since splits and groups
//! rest on them. XXH64, whose values are fixed by its specification; never the hasher of the standard library.

use twox_hash::XxHash64;

/// A hash of some bytes under a salt.
#[must_use]
pub fn fingerprint(salt: u64, bytes: &[u8]) -> u64 {
    XxHash64::oneshot(salt, bytes)
}

/// A hash of several texts, told apart by their lengths: `("ab", "c")` is not `("a", "bc")`.
#[must_use]
pub fn of_texts(salt: u64, texts: &[&str]) -> u64 {
    texts.iter().fold(salt, |hash, text| fingerprint(hash, text.as_bytes()))
}

/// A name for a text: 32 hexadecimal digits, long enough that no two prompts of a life share one.
#[must_use]
pub fn name(text: &str) -> String {
    format!("{:016x}{:016x}", fingerprint(1, text.as_bytes()), fingerprint(2, text.as_bytes()))
}
