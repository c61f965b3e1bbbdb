//! The plan of a training: seed, split, sizes and names of models, read from TOML and kept word for word in the artifact.

use std::collections::BTreeSet;

use decision::document::{Document, DocumentError};
use serde::{Deserialize, Serialize};
use training_data::split::{Shares, Split, SplitError};

/// Everything that training may vary. Each key has a default; the defaults are what the built-in artifact was made with,
/// the split and the names of its models apart.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Seed of every random number.
    pub seed: u64,
    /// Salt of the split into parts. `eval --held-out` with the same salt judges on what training never saw.
    pub salt: String,
    /// Share of the prompts that is kept for `tune`, never learned from.
    pub tune_share: f64,
    /// Share of the prompts that is kept for judging, never learned from.
    pub held_out_share: f64,
    /// Folds of cross-fitting: calibration and report rest on forecasts by views that had not seen the prompt.
    pub folds: u32,
    /// Nets that read word pieces. Ignored with an encoder that is no table.
    pub reading_nets: u32,
    /// Nets on features alone.
    pub feature_nets: u32,
    /// Epochs of a reading net.
    pub reading_epochs: u32,
    /// Epochs of a feature net.
    pub feature_epochs: u32,
    /// Trees of the forest.
    pub trees: u32,
    /// Trees of the forest that forecasts the length of answers.
    pub token_trees: u32,
    /// A leaf holds at least this many prompts.
    pub min_leaf: u32,
    /// Share of all reading nets in the blend.
    pub reading_weight: f32,
    /// Share of all feature nets in the blend.
    pub feature_weight: f32,
    /// Share of the forest in the blend.
    pub forest_weight: f32,
    /// Epochs of the topics; 0 leaves them out. Ignored with an encoder that is no table.
    pub topic_epochs: u32,
    /// Share of the topics in the blend.
    pub topic_weight: f32,
    /// Places that training prompts are summed up by, for telling how unlike them a prompt is.
    pub places: u32,
    /// Names under which different sources speak of one model: lists of them.
    pub same_models: Vec<Vec<String>>,
    /// Data sets whose rows are passed over, as `source/dataset`: their grades say something else than whether an answer is right.
    pub leave_out: Vec<String>,
}

/// Places that training prompts may be summed up by. A guess at more than anybody's prompts have topics; each is compared with
/// every prompt.
const MAX_PLACES: u32 = 4096;

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            salt: "pointsman".to_owned(),
            tune_share: 0.1,
            held_out_share: 0.2,
            folds: 3,
            reading_nets: 2,
            feature_nets: 4,
            reading_epochs: 5,
            feature_epochs: 7,
            trees: 120,
            token_trees: 40,
            min_leaf: 8,
            reading_weight: 0.35,
            feature_weight: 0.15,
            forest_weight: 0.5,
            topic_epochs: 25,
            topic_weight: 0.3,
            places: 64,
            same_models: Vec::new(),
            leave_out: Vec::new(),
        }
    }
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The text itself.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The shares.
    #[error(transparent)]
    Split(#[from] SplitError),
}

impl Plan {
    /// Reads a plan. Every complaint names its line.
    pub fn from_toml(text: &str) -> Result<Self, PlanError> {
        let document = Document::parse(text)?;
        let plan: Self = document.read()?;
        for (key, found, least, most) in plan.ranges() {
            if !(least..=most).contains(&found) {
                let complaint = format!("expected a number from {least} to {most}, found {found}");
                return Err(document.fault(&[key.into()], complaint).into());
            }
        }
        if plan.reading_nets + plan.feature_nets + plan.trees == 0 {
            return Err(document
                .fault(&["trees".into()], "expected at least one view: nets or trees, found none")
                .into());
        }
        let views = [
            (plan.reading_nets, plan.reading_weight),
            (plan.feature_nets, plan.feature_weight),
            (plan.trees, plan.forest_weight),
        ];
        if views.iter().all(|(n_views, weight)| *n_views == 0 || *weight <= 0.0) {
            return Err(document
                .fault(&["forest_weight".into()], "expected a weight above 0 for a view that there is, found none")
                .into());
        }
        let kept = plan.tune_share + plan.held_out_share;
        if kept >= 1.0 {
            let complaint = format!(
                "expected less than 1 together with tune_share, to leave something to learn from, found {kept}"
            );
            return Err(document.fault(&["held_out_share".into()], complaint).into());
        }
        plan.split().map_err(|error| document.fault(&["held_out_share".into()], error))?;
        plan.check_same_models(&document)?;
        plan.check_leave_out(&document)?;
        Ok(plan)
    }

    fn check_leave_out(&self, document: &Document<'_>) -> Result<(), DocumentError> {
        for (at, name) in self.leave_out.iter().enumerate() {
            let complaint = if !name.contains('/') {
                format!("expected a data set as source/dataset, found `{name}`")
            } else if self.leave_out[..at].contains(name) {
                format!("expected each data set once, found `{name}` again")
            } else {
                continue;
            };
            return Err(document.fault(&["leave_out".into(), at.into()], complaint));
        }
        Ok(())
    }

    /// Whether rows of this data set are passed over.
    pub fn leaves_out(&self, source: &str, dataset: &str) -> bool {
        let is = |name: &String| name.strip_prefix(source).and_then(|rest| rest.strip_prefix('/')) == Some(dataset);
        self.leave_out.iter().any(is)
    }

    fn check_same_models(&self, document: &Document<'_>) -> Result<(), DocumentError> {
        let mut listed = BTreeSet::new();
        for (list, names) in self.same_models.iter().enumerate() {
            let found = names.len();
            if found < 2 {
                let complaint = format!("expected two or more names of one model, found {found}");
                return Err(document.fault(&["same_models".into(), list.into()], complaint));
            }
            if let Some(at) = names.iter().position(|name| !listed.insert(name)) {
                let complaint = format!("expected each name once in all lists, found `{}` again", names[at]);
                return Err(document.fault(&["same_models".into(), list.into(), at.into()], complaint));
            }
        }
        Ok(())
    }

    fn ranges(&self) -> [(&'static str, f64, f64, f64); 16] {
        [
            ("tune_share", self.tune_share, 0.0, 0.9),
            ("held_out_share", self.held_out_share, 0.0, 0.9),
            ("folds", f64::from(self.folds), 2.0, 20.0),
            ("reading_nets", f64::from(self.reading_nets), 0.0, 16.0),
            ("feature_nets", f64::from(self.feature_nets), 0.0, 16.0),
            ("reading_epochs", f64::from(self.reading_epochs), 1.0, 100.0),
            ("feature_epochs", f64::from(self.feature_epochs), 1.0, 100.0),
            ("trees", f64::from(self.trees), 0.0, 1000.0),
            ("token_trees", f64::from(self.token_trees), 1.0, 1000.0),
            ("min_leaf", f64::from(self.min_leaf), 1.0, 10_000.0),
            ("reading_weight", f64::from(self.reading_weight), 0.0, 10.0),
            ("feature_weight", f64::from(self.feature_weight), 0.0, 10.0),
            ("forest_weight", f64::from(self.forest_weight), 0.0, 10.0),
            ("topic_epochs", f64::from(self.topic_epochs), 0.0, 100.0),
            ("topic_weight", f64::from(self.topic_weight), 0.0, 10.0),
            ("places", f64::from(self.places), 1.0, f64::from(MAX_PLACES)),
        ]
    }

    /// The split of rows into parts.
    pub fn split(&self) -> Result<Split, SplitError> {
        let fit = 1.0 - self.tune_share - self.held_out_share;
        Split::new(&self.salt, Shares { fit, calibrate: 0.0, tune: self.tune_share, held_out: self.held_out_share })
    }

    /// The plan as text, every key written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a flat struct of numbers, texts and lists of them")
    }
}

#[cfg(test)]
mod tests {
    //! What a plan may say.

    use super::Plan;

    #[test]
    fn an_empty_plan_is_the_usual_one_and_a_plan_survives_its_text() {
        assert_eq!(Plan::from_toml("").unwrap(), Plan::default());
        let same_models = vec![vec!["ant".to_owned(), "an \"ant\"".to_owned()]];
        let leave_out = vec!["mart/a/b".to_owned()];
        let plan = Plan { seed: 9, trees: 7, same_models, leave_out, ..Plan::default() };
        assert_eq!(Plan::from_toml(&plan.to_toml()).unwrap(), plan);
        assert!(plan.leaves_out("mart", "a/b") && plan.leaves_out("mart/a", "b"));
        assert!(!plan.leaves_out("mart", "a") && !plan.leaves_out("mar", "t/a/b"));
    }

    #[test]
    fn a_complaint_names_its_line() {
        for (text, complaint) in [
            ("seed = 1\ntree = 5", "line 2"),
            ("folds = 1", "line 1, folds: expected a number from 2 to 20, found 1"),
            ("reading_nets = 0\nfeature_nets = 0\ntrees = 0", "expected at least one view"),
            ("held_out_share = 0.8\ntune_share = 0.8", "line 1, held_out_share: expected less than 1 together with"),
            ("held_out_share = 0.5\ntune_share = 0.5", "to leave something to learn from, found 1"),
            ("places = 0", "line 1, places: expected a number from 1 to"),
            (
                "seed = 1\nreading_weight = 0\nfeature_weight = 0\nforest_weight = 0",
                "line 4, forest_weight: expected a weight",
            ),
            ("trees = 0\nfeature_nets = 0\nreading_weight = 0", "expected a weight above 0"),
            (
                "same_models = [\n  [\"ant\", \"Ant\"],\n  [\"bee\"],\n]",
                "line 3, same_models[1]: expected two or more names of one model, found 1",
            ),
            (
                "same_models = [\n  [\"ant\", \"Ant\"],\n  [\"bee\",\n   \"Ant\"],\n]",
                "line 4, same_models[1][1]: expected each name once in all lists, found `Ant` again",
            ),
            ("leave_out = [\"mart\"]", "line 1, leave_out[0]: expected a data set as source/dataset, found `mart`"),
            (
                "leave_out = [\n  \"mart/a\",\n  \"mart/a\",\n]",
                "line 3, leave_out[1]: expected each data set once, found `mart/a` again",
            ),
        ] {
            let error = Plan::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }
}
