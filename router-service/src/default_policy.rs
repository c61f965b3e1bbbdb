//! The policies in force where no file names any: one text, so that `serve`, `route` and the documents cannot disagree.

use decision::Policies;

/// The built-in policies, as a file would hold them.
pub const DEFAULT_POLICIES: &str = r#"default = "balanced"

[policy.balanced]
mode = "tolerance"
quality_tolerance = 0.02
"#;

/// The built-in policies.
pub fn default_policies() -> Policies {
    Policies::from_toml(DEFAULT_POLICIES).expect("the built-in policies are read by a test")
}

#[cfg(test)]
mod tests {
    //! What is built in is what the documents say.

    use decision::{Mode, Quality};

    use super::default_policies;

    #[test]
    fn the_default_is_the_cheapest_model_within_two_hundredths_of_the_best() {
        let policies = default_policies();
        let default = policies.default_policy();
        assert_eq!(default.name().as_str(), "balanced");
        assert_eq!(default.rules().mode, Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() });
        policies.check_against(&classifier::built_in_catalog()).unwrap();
    }
}
