//! The policies in force where no file names any: one text, so that `serve`, `route` and the documents cannot disagree.

use decision::{Catalog, ModelId, Policies};

/// The built-in policies, as a file would hold them.
pub const DEFAULT_POLICIES: &str = r#"default = "balanced"

[policy.balanced]
mode = "tolerance"
quality_tolerance = 0.02
"#;

/// Who answers under them where there is no forecast: all-rounders that any key of their maker opens, the cheap one first. Without them
/// the cheapest model would, whatever it is worth.
pub const DEFAULT_FALLBACK: [&str; 2] = ["gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"];

/// The built-in policies beside this catalog.
pub fn default_policies(catalog: &Catalog) -> Policies {
    let known = |name: &&str| ModelId::new(name).is_ok_and(|id| catalog.get(&id).is_some());
    let fallback: Vec<String> =
        DEFAULT_FALLBACK.iter().filter(|name| known(name)).map(|name| format!("{name:?}")).collect();
    let text = match fallback.as_slice() {
        [] => DEFAULT_POLICIES.to_owned(),
        names => format!("{DEFAULT_POLICIES}fallback = [{}]\n", names.join(", ")),
    };
    Policies::from_toml(&text).expect("the built-in policies are read by a test")
}

#[cfg(test)]
mod tests {
    //! What is built in is what the documents say.

    use decision::{Catalog, Mode, Quality};

    use super::{DEFAULT_FALLBACK, default_policies};

    #[test]
    fn the_default_is_the_cheapest_model_within_two_hundredths_of_the_best() {
        let catalog = classifier::built_in_catalog();
        let policies = default_policies(&catalog);
        let default = policies.default_policy();
        assert_eq!(default.name().as_str(), "balanced");
        assert_eq!(default.rules().mode, Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() });
        policies.check_against(&catalog).unwrap();
    }

    #[test]
    fn without_a_forecast_those_of_an_order_answer_whom_the_catalog_knows() {
        let entry = |id: &str| {
            format!("[[model]]\nid = \"{id}\"\ncontext_window = 9\nusd_per_1m = {{ prompt = 1, completion = 1 }}\n")
        };
        for (catalog, expected) in [
            (classifier::built_in_catalog(), DEFAULT_FALLBACK.as_slice()),
            (Catalog::from_toml(&[entry("a"), entry(DEFAULT_FALLBACK[1])].concat()).unwrap(), &DEFAULT_FALLBACK[1..]),
            (Catalog::from_toml(&entry("a")).unwrap(), &[]),
        ] {
            let policies = default_policies(&catalog);
            policies.check_against(&catalog).unwrap();
            let fallback = &policies.default_policy().rules().fallback;
            assert_eq!(fallback.iter().map(decision::ModelId::as_str).collect::<Vec<_>>(), expected);
        }
    }
}
