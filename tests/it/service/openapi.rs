//! The OpenAPI document is served and true: every path is in it, every answer fits its schema, every key it names is read.

use http::Method;
use router_service::PATHS;
use serde_json::{Value, json};

use super::{Running, settings};

#[tokio::test]
async fn it_names_every_path_and_no_other() {
    let running = Running::start(settings()).await;
    let document = running.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let mut documented: Vec<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let mut served: Vec<(String, String)> =
        PATHS.iter().map(|(method, path, _, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    for list in [&mut documented, &mut served] {
        list.sort_by(|a, b| a.1.cmp(&b.1));
    }
    assert_eq!(documented, served);
    running.ended().await;
}

#[tokio::test]
async fn every_answer_fits_its_schema() {
    let running = Running::start(settings()).await;
    let document = running.get("/openapi.json").await.json();
    let body = |body: Value| body.to_string();
    let decision = running
        .post(
            "/v1/route",
            body(json!({ "prompt": "x", "candidates": ["gpt-4o-mini-2024-07-18", "gpt-4o-2024-05-13", "y"] })),
        )
        .await
        .json();
    for (method, path, request, status) in [
        (
            "post",
            "/v1/route",
            json!({ "prompt": "x", "candidates": ["gpt-4o-mini-2024-07-18", "gpt-4o-2024-05-13", "y"] }),
            "200",
        ),
        ("post", "/v1/route", json!({ "prompt": "" }), "400"),
        (
            "post",
            "/v1/chat/completions",
            json!({ "model": "auto", "messages": [{ "role": "user", "content": "x" }], "pointsman": { "explain": true } }),
            "200",
        ),
        ("post", "/v1/chat/completions", json!({ "model": "auto" }), "400"),
        (
            "post",
            "/v1/chat/completions",
            json!({ "model": "no-such-model", "messages": [{ "role": "user", "content": "x" }] }),
            "404",
        ),
        (
            "post",
            "/v1/route",
            json!({ "prompt": "x", "limits": { "max_cost_usd": 0 }, "candidates": ["gpt-4-0613"] }),
            "422",
        ),
        ("post", "/v1/route/batch", json!({ "requests": [{ "prompt": "x" }, {}] }), "200"),
        ("post", "/v1/outcomes", json!({ "decision_id": decision["decision_id"], "quality": 1 }), "200"),
        ("post", "/v1/outcomes", json!({ "decision_id": "0197a3c2-5b1e-7c44-9f00-1b2c3d4e5f60" }), "404"),
        ("post", "/v1/admin/reload", Value::Null, "200"),
        ("get", "/v1/models", Value::Null, "200"),
        ("get", "/healthz", Value::Null, "200"),
        ("get", "/readyz", Value::Null, "200"),
    ] {
        let text = if request.is_null() { String::new() } else { request.to_string() };
        let reply = running.call(method.to_uppercase().parse::<Method>().unwrap(), path, text).await;
        assert_eq!(reply.status.as_str(), status, "{path}: {}", reply.text());
        let schema = &document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"];
        assert!(!schema.is_null(), "{path} says nothing of {status}");
        fits(&document, schema, &reply.json(), path);
    }
    assert!(!decision["flips"].as_array().unwrap().is_empty() && !decision["excluded"].as_array().unwrap().is_empty());
    running.ended().await;
}

#[tokio::test]
async fn every_key_of_a_request_is_read_and_no_other() {
    let running = Running::start(settings()).await;
    let document = running.get("/openapi.json").await.json();
    let unknown_key = async |path: &str, body: Value| {
        running.post(path, body.to_string()).await.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    let schemas = &document["components"]["schemas"];
    for (schema, path, wrap) in [
        ("RouteRequest", "/v1/route", None),
        ("Limits", "/v1/route", Some("limits")),
        ("Session", "/v1/route", Some("session")),
        ("Policy", "/v1/route", Some("policy")),
        ("Outcome", "/v1/outcomes", None),
        ("BatchRequest", "/v1/route/batch", None),
        ("ChatWishes", "/v1/chat/completions", Some("pointsman")),
    ] {
        let within = |key: &str| match wrap {
            None => json!({ key: { "not": "this" } }),
            Some(outer) => json!({ "prompt": "x", outer: { key: { "not": "this" } } }),
        };
        for key in schemas[schema]["properties"].as_object().unwrap().keys() {
            let complaint = unknown_key(path, within(key)).await;
            assert!(
                !complaint.contains(&format!("unknown key `{key}`")),
                "{schema}.{key} is documented and not read: {complaint}"
            );
        }
        let complaint = unknown_key(path, within("zzzzzzzzzz")).await;
        let known = complaint.split("known: ").nth(1).unwrap_or_else(|| panic!("{schema}: {complaint}"));
        for key in known.split('`').skip(1).step_by(2) {
            assert!(schemas[schema]["properties"].get(key).is_some(), "{schema}.{key} is read and not documented");
        }
    }
    running.ended().await;
}

/// As much of JSON Schema as the document uses.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").expect("the document is well formed");
        let schema = document["components"]["schemas"].get(name).unwrap_or_else(|| panic!("{place}: no schema {name}"));
        return fits(document, schema, value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let meant = choices.iter().find(|choice| {
            choice["required"]
                .as_array()
                .expect("the document is well formed")
                .iter()
                .all(|key| value.get(key.as_str().expect("the document is well formed")).is_some())
        });
        return fits(
            document,
            meant.unwrap_or_else(|| panic!("{place}: {value} is none of the choices")),
            value,
            place,
        );
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() && kinds.contains(&"integer") => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{place}: {value} is no {kinds:?}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value} is none of {words:?}");
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item, place);
    }
    let Some(object) = value.as_object() else { return };
    let Some(properties) = schema["properties"].as_object() else { return };
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(object.contains_key(key), "{place}: lacks {key}");
    }
    for (key, value) in object {
        let schema = properties.get(key).unwrap_or_else(|| panic!("{place}: {key} is not documented"));
        fits(document, schema, value, &format!("{place}.{key}"));
    }
}
