//! What stands behind the forecasts of a model, and what is forecast of one that nothing stands behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use classifier::{Artifact, Classifier, Prompt, Standing, built_in_catalog};
use decision::{Catalog, ModelId};

/// Written for this test.
const QUESTION: &str = "The demand for coffee falls while supply rises. What happens to the price?\nA. It rises\nB. It falls\nC. It stays\nD. Unclear";

#[test]
fn likes_scores_and_strangers_are_forecast_and_marked() {
    let text = "
        [[model]]
        id = \"gpt-4o-2024-08-06\"
        context_window = 128000
        usd_per_1m = { prompt = 1, completion = 2 }

        [[model]]
        id = \"my-tuned-4o\"
        context_window = 128000
        like = \"gpt-4o-2024-08-06\"
        usd_per_1m = { prompt = 1, completion = 2 }

        [[model]]
        id = \"good-scores\"
        context_window = 8000
        benchmarks = { mmlu_pro = 0.85, unheard-of = 0.5 }
        usd_per_1m = { prompt = 1, completion = 2 }

        [[model]]
        id = \"bad-scores\"
        context_window = 8000
        benchmarks = { mmlu_pro = 0.15 }
        usd_per_1m = { prompt = 1, completion = 2 }

        [[model]]
        id = \"stranger\"
        context_window = 8000
        usd_per_1m = { prompt = 1, completion = 2 }
    ";
    let catalog = Catalog::from_toml(text).unwrap();
    let classifier = Classifier::new(Arc::new(Artifact::built_in().unwrap()), &catalog);
    let standing = |name: &str| {
        let standings = classifier.standings();
        standings.into_iter().find(|(id, _)| id.as_str() == name).map(|(_, standing)| standing)
    };
    assert!(matches!(standing("my-tuned-4o"), Some(Standing::Like { .. })));
    assert_eq!(standing("good-scores"), Some(Standing::Benchmarks { n_scores: 1 }));
    assert_eq!(standing("stranger"), Some(Standing::Unknown));
    let forecast = classifier.forecast(&[Prompt::from_text(QUESTION)]).remove(0);
    let of = |name: &str| forecast.models().iter().find(|model| model.model.as_str() == name).unwrap().clone();
    let (kin, model) = (of("my-tuned-4o"), of("gpt-4o-2024-08-06"));
    assert_eq!(kin.quality, model.quality);
    assert!(kin.quality_low < model.quality_low, "nothing of its own stands behind it");
    assert!(of("good-scores").quality > of("bad-scores").quality);
    let stranger = of("stranger");
    assert!(stranger.quality_low < of("good-scores").quality_low);
    assert!(
        stranger.quality == stranger.quality_low && stranger.quality < of("bad-scores").quality.max(kin.quality_low)
    );
    assert_eq!(classifier.unknown().map(ModelId::as_str).collect::<Vec<_>>(), ["stranger"]);
}

#[test]
fn a_benchmark_is_known_by_the_name_that_rows_have_and_by_its_last_part() {
    let artifact = Artifact::built_in().unwrap();
    let parts = artifact.parts();
    assert!(parts.benchmark("mmlu_pro/physics").is_some(), "a data set as rows name it");
    assert_eq!(parts.benchmark("mmlu_pro/physics"), parts.benchmark("mmlu_pro/mmlu_pro/physics"));
    assert!(parts.benchmark("mmlu_pro").is_some() && parts.benchmark("mmlu_pr0").is_none());
}

#[test]
fn models_of_the_catalog_are_those_of_the_artifact() {
    let artifact = Artifact::built_in().unwrap();
    let known: BTreeSet<&str> = artifact.parts().models.iter().map(|known| known.name.as_str()).collect();
    for model in built_in_catalog().models() {
        assert!(known.contains(model.id.as_str()), "{} has no outcomes", model.id.as_str());
    }
}
