//! What training kept back, by the word of whoever asks: a salt, a plan or the artifact itself.

use std::path::Path;

use anyhow::{Context, bail};
use classifier::Artifact;
use classifier::artifact::{MANIFEST, Parts};
use trainer::plan::Plan;
use training_data::split::Split;

/// The split that a flag's value stands for: an artifact's folder or a plan's file tells salt and shares; anything else is a salt,
/// with the shares that plans have by default.
pub(crate) fn split(flag: &str, value: &str) -> anyhow::Result<Split> {
    let path = Path::new(value);
    let place = || format!("{flag} {value}");
    if path.join(MANIFEST).is_file() {
        return by_artifact(&Artifact::read(path).with_context(place)?).with_context(place);
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        let text = std::fs::read_to_string(path).with_context(place)?;
        return Ok(Plan::from_toml(&text).with_context(place)?.split()?);
    }
    if !is_salt(value) {
        let expected = "expected a salt, a plan.toml or an artifact's folder";
        bail!("{}: {expected}, found a path to something else, or to nothing", place());
    }
    Ok(Plan { salt: value.to_owned(), ..Plan::default() }.split()?)
}

/// Whether a flag's value is read as a salt. What has the form of a path is none, or a slip in a folder's name would be one.
pub(crate) fn is_salt(value: &str) -> bool {
    let path = Path::new(value);
    !path.exists() && !value.contains(['/', '\\']) && path.extension().is_none_or(|extension| extension != "toml")
}

fn by_artifact(artifact: &Artifact) -> anyhow::Result<Split> {
    by_parts(artifact.parts())
}

/// By the plan that an artifact was trained with.
pub(crate) fn by_parts(parts: &Parts) -> anyhow::Result<Split> {
    Ok(Plan::from_toml(&parts.plan).context("the artifact's plan")?.split()?)
}

/// Refuses to tune on rows that the artifact has learned from, where they are said to be the ones it has not.
pub(crate) fn tunes_with(artifact: &Artifact, split: &Split) -> anyhow::Result<()> {
    may_tune(&Plan::from_toml(&artifact.parts().plan)?, split)
}

fn may_tune(plan: &Plan, split: &Split) -> anyhow::Result<()> {
    let told =
        format!("salt = \"{}\", tune_share = {}, held_out_share = {}", plan.salt, plan.tune_share, plan.held_out_share);
    if plan.tune_share <= 0.0 {
        bail!("--tuning-part: the artifact was trained with {told}: it kept nothing for tuning");
    }
    if plan.split()? != *split {
        bail!(
            "--tuning-part: the artifact was trained with {told}, so these are not the rows it kept; give its folder"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! Salts, plans and folders.

    use classifier::Artifact;
    use trainer::plan::Plan;
    use training_data::split::{Shares, Split};

    use super::{may_tune, split, tunes_with};

    #[test]
    fn a_salt_has_the_usual_shares_and_a_plan_its_own() {
        let usual = Plan::from_toml("salt = \"abc\"\n").unwrap().split().unwrap();
        assert_eq!(split("--held-out", "abc").unwrap(), usual);
        let folder = std::env::temp_dir().join(format!("pointsman-kept-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let plan = folder.join("plan.toml");
        std::fs::write(&plan, "salt = \"b3\"\ntune_share = 0.0\nheld_out_share = 0.15\n").unwrap();
        let shares = Shares { fit: 0.85, calibrate: 0.0, tune: 0.0, held_out: 0.15 };
        let found = split("--held-out", &plan.display().to_string());
        let no_artifact = split("--held-out", &folder.display().to_string()).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.unwrap(), Split::new("b3", shares).unwrap());
        assert!(no_artifact.contains("found a path to something else, or to nothing"), "{no_artifact}");
        let slip = split("--held-out", "artefact/").unwrap_err().to_string();
        assert!(slip.contains("expected a salt, a plan.toml or an artifact's folder"), "{slip}");
        let missing = split("--held-out", "no-such-plan.toml").unwrap_err();
        assert!(format!("{missing:#}").starts_with("--held-out no-such-plan.toml: "), "{missing:#}");
    }

    #[test]
    fn an_artifact_of_the_usual_shares_is_tuned_with_by_its_salt() {
        let plan = Plan { salt: "mine".to_owned(), ..Plan::default() };
        assert!(may_tune(&plan, &split("--tuning-part", "mine").unwrap()).is_ok());
        let other = may_tune(&plan, &split("--tuning-part", "yours").unwrap()).unwrap_err().to_string();
        assert!(other.contains("these are not the rows it kept"), "{other}");
    }

    #[test]
    fn an_artifact_that_kept_nothing_is_not_tuned_with() {
        let built_in = Artifact::built_in().unwrap();
        let any = split("--tuning-part", "pointsman").unwrap();
        let complaint = tunes_with(&built_in, &any).unwrap_err().to_string();
        assert!(complaint.contains("it kept nothing for tuning"), "{complaint}");
    }
}
