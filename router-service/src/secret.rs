//! A key or a token: whoever prints it by accident prints nothing. The text comes out only by name.

use std::fmt;

/// What stands in its place wherever it is shown.
pub const HIDDEN: &str = "[hidden]";

/// A key or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide, which is nearly always a mistake.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    //! Nothing shows it but its name.

    use super::Secret;

    #[test]
    fn it_shows_nothing_of_itself() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only its Debug is read")]
        struct Holder {
            key: Secret,
        }
        let key = Secret::new("canary");
        assert_eq!((key.expose(), key.is_empty()), ("canary", false));
        for shown in [format!("{key}"), format!("{key:?}"), format!("{:#?}", Holder { key: key.clone() })] {
            assert!(!shown.contains("canary") && shown.contains("[hidden]"), "{shown}");
        }
        // Not even how long it is.
        assert_eq!(format!("{key:?}"), format!("{:?}", Secret::new("x".repeat(500))));
    }
}
