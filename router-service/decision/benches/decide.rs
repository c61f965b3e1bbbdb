//! How long a whole decision takes: facts and evidence in, candidates joined, ranked, explained and written out as text.
//! Read the figures as ratios: 400 candidates against 20, and each against the plain sort of as many costs beside it.

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use decision::{
    Candidates, Catalog, Evidence, Forecast, Mode, Model, ModelForecast, ModelId, PicoUsd, Policy, PolicyName, Price,
    Prices, Quality, RequestFacts, Rules, Skills, Tokens, WhenSpent, decide,
};

const SIZES: [u32; 3] = [3, 20, 400];

/// Spreads indices over the unit interval without a pattern.
fn scattered(index: u32) -> f64 {
    (f64::from(index) * 0.618_033_988_749_895).fract()
}

fn tokens(count: u32) -> Tokens {
    Tokens::new(u64::from(count)).expect("the bench uses small counts")
}

fn model(index: u32) -> Model {
    let price = |usd: f64| Price::from_usd_per_1m(usd).expect("the bench uses plain prices");
    let completion = price(0.1 + 20.0 * scattered(index));
    Model {
        id: ModelId::new(&format!("provider-{:02}/model-{index:03}-2026-01-01", index % 17)).expect("a plain name"),
        owner: None,
        prices: Prices {
            prompt: price(0.05 + 5.0 * scattered(index)),
            cached_prompt: price(0.05),
            completion,
            reasoning: completion,
        },
        context_window: tokens(if index % 10 == 9 { 200 } else { 128_000 }),
        max_completion: None,
        mean_completion: None,
        skills: Skills::NONE,
        regions: BTreeSet::new(),
        zero_data_retention: false,
        released: None,
        like: None,
        benchmarks: std::collections::BTreeMap::new(),
    }
}

fn forecast(model: &Model, index: u32) -> ModelForecast {
    let expected = 0.3 + 0.6 * scattered(index * 7 + 3);
    let quality = |value| Quality::new(value).expect("between 0 and 1");
    ModelForecast {
        model: model.id.clone(),
        quality: quality(expected),
        quality_low: quality(expected - 0.05),
        completion: tokens(100 + index),
        reasoning: Tokens::ZERO,
        output_p90: tokens(400 + index),
    }
}

fn modes() -> [(&'static str, Mode); 4] {
    let quality = |value| Quality::new(value).expect("between 0 and 1");
    let usd = |value| PicoUsd::from_usd(value).expect("a plain amount");
    [
        ("tolerance", Mode::Tolerance { quality_tolerance: quality(0.05) }),
        ("target", Mode::Target { quality_floor: quality(0.8) }),
        ("value", Mode::Value { usd_per_success: usd(0.01) }),
        ("budget", Mode::Budget { usd_per_request: usd(0.001), when_spent: WhenSpent::Cheapest }),
    ]
}

fn whole_decision(criterion: &mut Criterion) {
    for (name, mode) in modes() {
        let policy =
            Policy::new(PolicyName::new("bench").expect("a plain name"), Rules::of(mode)).expect("valid rules");
        let mut group = criterion.benchmark_group(format!("decision/{name}"));
        for n in SIZES {
            let models: Vec<Model> = (0..n).map(model).collect();
            let forecasts = models.iter().zip(0..n).map(|(model, index)| forecast(model, index)).collect();
            let catalog = Catalog::new(models).expect("names differ");
            let evidence = Evidence::Forecast(Forecast::new(forecasts).expect("a valid forecast"));
            let unhealthy = BTreeSet::from([catalog.models()[0].id.clone()]);
            let facts = RequestFacts::of_size(tokens(128));
            group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
                bencher.iter(|| {
                    let joined =
                        Candidates::join(&catalog, &policy, black_box(&facts), black_box(&evidence), &unhealthy)
                            .expect("there are candidates");
                    let decision = decide(&policy, &facts, &joined).expect("somebody is eligible");
                    let sentence = decision.reason.to_string();
                    let flips: Vec<String> = decision.flips.iter().map(ToString::to_string).collect();
                    black_box((decision, sentence, flips))
                });
            });
        }
        group.finish();
    }
}

/// The yardstick: sorting as many (cost, name) pairs, which no ranking can do without.
fn plain_sort(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("yardstick/sort");
    for n in SIZES {
        let models: Vec<Model> = (0..n).map(model).collect();
        let pairs: Vec<(Price, ModelId)> =
            models.into_iter().map(|model| (model.prices.completion, model.id)).collect();
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
            bencher.iter(|| {
                let mut pairs = black_box(pairs.clone());
                pairs.sort();
                black_box(pairs)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, whole_decision, plain_sort);
criterion_main!(benches);
