//! Other people's files: what is taken, what is named, and how they are matched with a pool.

use super::Forecasts;
use crate::town::pool;

fn read(text: &str) -> Result<Forecasts, String> {
    Forecasts::read(text.as_bytes(), "f.jsonl").map_err(|error| error.to_string())
}

fn line(id: &str, models: &[(&str, f64)]) -> String {
    let models: Vec<String> = models
        .iter()
        .map(|(model, quality)| format!("{{\"model\":\"{model}\",\"quality\":{quality},\"more\":1}}"))
        .collect();
    format!("{{\"id\":\"{id}\",\"model\":\"chosen\",\"forecasts\":[{}]}}\n", models.join(","))
}

#[test]
fn mistakes_are_named_with_their_line() {
    let good = line("town/easy/p00000", &[("cheap", 0.5)]);
    let check = |bad: &str, expected: &str| assert_eq!(read(&format!("{good}{bad}")).unwrap_err(), expected);
    check(
        "{\"id\":",
        "f.jsonl, line 2: expected an object with `id` and `forecasts`, found EOF while parsing a value at its end",
    );
    check(
        "{\"forecasts\":[]}",
        "f.jsonl, line 2: expected an object with `id` and `forecasts`, found one without `id`",
    );
    check(&line("x", &[("m", 1.7)]), "f.jsonl, line 2, model `m`: expected `quality` between 0 and 1, found 1.7");
    check(
        "{\"id\":\"x\",\"forecasts\":[{\"model\":\"m\",\"quality\":0.5,\"cost_usd\":-1}]}",
        "f.jsonl, line 2, model `m`: expected `cost_usd` at or above 0, found -1",
    );
    let costly = |cost: &str| {
        format!("{{\"id\":\"x\",\"forecasts\":[{{\"model\":\"m\",\"quality\":0.5,\"cost_usd\":{cost}}}]}}")
    };
    let expected = "f.jsonl, line 2, model `m`: expected `cost_usd` below 1000000, found 1";
    check(&costly("1e300"), &format!("{expected}{}", "0".repeat(300)));
    check(&costly("1e6"), &format!("{expected}000000"));
    assert!(read(&costly("999999.0")).is_ok());
    let torn = [good.as_bytes(), b"{\"id\":\"\xff\"}\n"].concat();
    assert_eq!(
        Forecasts::read(&*torn, "f.jsonl").unwrap_err().to_string(),
        "f.jsonl, line 2: expected an object with `id` and `forecasts`, found bytes that are no UTF-8 at byte 8"
    );
    check(
        "{\"id\":\"x\",\"forecasts\":[{\"model\":\"m\",\"quality\":0.5,\"quality_low\":2}]}",
        "f.jsonl, line 2, model `m`: expected `quality_low` between 0 and 1, found 2",
    );
    let wrong_type = read("{\"id\":\"x\",\"forecasts\":[{\"model\":\"m\",\"quality\":\"high\"}]}").unwrap_err();
    assert!(
        wrong_type.starts_with("f.jsonl, line 1: expected an object with `id` and `forecasts`, found invalid type"),
        "{wrong_type}"
    );
}

#[test]
fn a_line_has_a_size_limit() {
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(8 * 1024 * 1024));
    assert_eq!(read(&long).unwrap_err(), "f.jsonl, line 1: expected at most 8388608 bytes");
}

#[test]
fn lines_that_carry_an_error_are_counted_and_passed_over() {
    let forecasts =
        read("{\"id\":\"x\",\"error\":\"line 1: no prompt\"}\n\n{\"id\":\"y\"}\n{\"error\":\"line 3\"}").unwrap();
    assert_eq!((forecasts.n_without, forecasts.len()), (3, 0));
}

#[test]
fn a_prompt_may_be_forecast_in_several_lines_and_a_model_not_at_all() {
    let pool = pool(60, 1);
    let mut text = String::from("\u{feff}");
    for prompt in &pool.prompts {
        text += &line(&prompt.id, &[("weak", 0.1), ("cheap", 0.9)]);
        text += &line(&prompt.id, &[("dear", 0.3), ("cheap", 0.2)]);
        text += &format!("{{\"id\":\"{}\",\"forecasts\":[{{\"model\":\"dear\",\"quality\":null}}]}}\n", prompt.id);
    }
    let forecasts = read(&text).unwrap();
    assert_eq!(forecasts.of(&pool).unwrap().forecast.quality.row(7), [0.2, 0.3, 0.1], "the later forecast counts");
    assert_eq!(forecasts.notes(&[pool]), ["120 lines of forecasts repeat a prompt; the later ones count"]);
    assert_eq!(
        forecasts.notes(&[]),
        [
            "120 lines of forecasts repeat a prompt; the later ones count",
            "60 prompts that are forecast are not among those judged"
        ]
    );
}

#[test]
fn forecasts_are_matched_by_id_and_only_whole_prompts_count() {
    let pool = pool(60, 1);
    let whole = [("weak", 0.1), ("cheap", 0.2), ("dear", 0.3)];
    let lines: String = pool.prompts.iter().skip(1).map(|prompt| line(&prompt.id, &whole)).collect();
    let partial = line(&pool.prompts[0].id, &whole[..2]);
    let matched = read(&format!("{lines}{partial}")).unwrap().of(&pool).unwrap();
    assert_eq!(matched.rows, (1..60).collect::<Vec<_>>());
    assert_eq!(matched.forecast.quality.row(0), [0.2, 0.3, 0.1], "in the order of the pool's models");
    assert_eq!(
        matched.forecast.cost_usd.row(0),
        pool.truth.bill_usd.column_means(),
        "a missing cost is the usual bill"
    );
    assert!((matched.share(&pool) - 59.0 / 60.0).abs() < 1e-12);
}

#[test]
fn who_could_not_answer_is_remembered_where_it_hangs_on_more_than_a_name() {
    let pool = pool(60, 1);
    let lines: String = pool
        .prompts
        .iter()
        .map(|prompt| line(&prompt.id, &[("weak", 0.1), ("cheap", 0.2), ("dear", 0.3)]))
        .map(|line| {
            let told =
                r#""excluded":[{"model":"cheap","reason":"context_window"},{"model":"dear","reason":"denied"},7],"id""#;
            line.replacen("\"id\"", told, 1)
        })
        .collect();
    let matched = read(&lines).unwrap().of(&pool).unwrap();
    let barred = |model| matched.barred.why(59, model).map(decision::Exclusion::word);
    assert_eq!([0, 1, 2].map(barred), [Some("context_window"), None, None]);
}

#[test]
fn too_few_matches_say_what_is_missing() {
    let pool = pool(60, 1);
    let lines: String = pool.prompts.iter().map(|prompt| line(&prompt.id, &[("cheap", 0.2), ("dear", 0.3)])).collect();
    assert_eq!(
        read(&lines).unwrap().of(&pool).unwrap_err().to_string(),
        "pool `town`: expected forecasts for all 3 models on at least 50 prompts, found them on 0 of 60; nobody forecasts `weak`"
    );
}
