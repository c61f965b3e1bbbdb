//! Which names of headers, and of what stands in the query of an address, say that a secret stands behind them. A file must not hold one:
//! `check` prints all of it. What a newcomer would get wrong: every provider has a name of its own for its key.

/// Where it belongs.
pub(super) const ELSEWHERE: &str =
    "a secret stands in the environment: name its variable as `api_key_env` or `headers_env`";

/// Words of a name that are only said of secrets, wherever they stand in it.
const SECRET_WORDS: [&str; 16] = [
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sig",
    "signature",
    "subscriptionkey",
    "token",
];

/// A name that ends so is a key: `x-goog-api-key`, `api_key`, `key`.
const LAST_WORD: &str = "key";

/// Whether a secret stands behind this name.
pub(super) fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.clone().next_back() == Some(LAST_WORD) || words.any(|word| SECRET_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::names_secret;

    #[test]
    fn a_secret_is_known_by_its_name_and_hardly_anything_else_is_taken_for_one() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "x-api-key",
            "api-key",
            "api_key",
            "apikey",
            "key",
            "x-goog-api-key",
            "Ocp-Apim-Subscription-Key",
            "x-amz-security-token",
            "access_token",
            "helicone-auth",
            "cookie",
            "sig",
            "X-Amz-Signature",
            "client_secret",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in
            ["", "x-team", "api-version", "anthropic-version", "x-tokens", "x-keyboard", "key-id", "author", "alt"]
        {
            assert!(!names_secret(name), "{name}");
        }
    }
}
