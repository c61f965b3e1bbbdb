//! What a configuration means, what it is refused for, and that no secret gets out of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ConfigError, MAX_CALLERS, MAX_PROVIDERS, ProviderKind, Settings, keys};

const TOKEN: &str = "canary-token-0123456789";

const WHOLE: &str = r#"
[grpc]
listen = "127.0.0.1:0"

[tls]
certificate_file = "tls/server.pem"
key_file = "tls/server.key"
client_ca_file = "/etc/ca.pem"
client_certificates = "optional"

[routing]
catalog_file = "catalog.toml"
policies_file = "policies.toml"
artifact_directory = "artifact"

[reload]
watch = false
poll_ms = 250

[limits]
max_body_bytes = 65536
max_bytes_in_flight = 65536

[inference]
threads = 3
batch_wait_us = 200

[log]
filter = "warn"
format = "json"

[traces]
otlp_endpoint = "https://127.0.0.1:4318"
otlp_ca_file = "collector.pem"
otlp_headers_env = "COLLECTOR_HEADERS"
sample_ratio = 0.25

[forwarding]
n_attempts_max = 3
hedge_share = 0.05
baseline_model = "large"

[[caller]]
name = "gateway"
token_env = "GATEWAY_TOKEN"
admin = true

[[provider]]
name = "hosted"
base_url = "https://api.example.com:8443/v1/?api-version=1"
api_key_env = "PROVIDER_KEY"
headers_env = "PROVIDER_HEADERS"
ca_file = "tls/provider.pem"
proxy = "http://proxy:3128"
first_token_ms = 5000
requests_per_minute = 60
headers = { x-team = "points" }

[[provider.model]]
id = "large"
upstream = "large-2026"
weight = 2.5
tokenizer_file = "large/tokenizer.json"
usd_per_1m = { prompt = 2, completion = 8 }

[[provider.model]]
id = "small"

[[provider]]
name = "absent"
kind = "anthropic"
base_url = "http://127.0.0.1:1"
api_key_env = "NO_SUCH_KEY"

[[provider.model]]
id = "small"
"#;

fn environment(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let always = [
        ("GATEWAY_TOKEN", TOKEN),
        ("COLLECTOR_HEADERS", "api-key=canary-key"),
        ("PROVIDER_KEY", "canary-provider-key"),
        ("PROVIDER_HEADERS", "x-org=canary-org"),
    ];
    always.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, more: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::from_text(text, Path::new("/conf"), &environment(more))
}

#[track_caller]
fn complains(text: &str, more: &[(&str, &str)], expected: &str) {
    let error = read(text, more).expect_err("the configuration is wrong").to_string();
    assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn nothing_written_listens_on_loopback_only() {
    let settings = Settings::built_in();
    assert_eq!(settings.grpc_listen, SocketAddr::from(([127, 0, 0, 1], 50051)));
    assert_eq!(settings.http_listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert!(settings.callers.is_empty() && settings.tls.is_none());
}

#[test]
fn every_part_of_a_file_is_understood() {
    let settings = read(WHOLE, &[]).unwrap();
    let tls = settings.tls.as_ref().unwrap();
    assert_eq!(tls.key, PathBuf::from("/conf/tls/server.key"), "paths are taken from the file's folder");
    assert_eq!((tls.client_ca.as_deref(), tls.client_required), (Some(Path::new("/etc/ca.pem")), false));
    assert_eq!(settings.sources.artifact, Some(PathBuf::from("/conf/artifact")));
    assert_eq!((settings.reload.watch, settings.reload.poll), (false, Duration::from_millis(250)));
    assert_eq!(settings.inference.batch_wait, Duration::from_micros(200));
    assert!(settings.callers[0].bears(TOKEN) && !settings.callers[0].bears("another-token-0123456789"));
    assert_eq!(settings.traces.as_ref().unwrap().otlp.headers[0].1.expose(), "canary-key");
}

#[test]
fn a_provider_is_understood_and_one_without_its_key_is_not_used() {
    let forwarding = read(WHOLE, &[]).unwrap().forwarding;
    let [hosted, absent] = &forwarding.providers[..] else { panic!("{:?}", forwarding.providers) };
    assert_eq!(hosted.key.as_ref().map(crate::secret::Secret::expose), Some("canary-provider-key"));
    assert_eq!(hosted.secret_headers[0].1.expose(), "canary-org");
    let url = hosted.base_url.as_ref().unwrap();
    let called = url.at("/chat/completions").unwrap().to_string();
    assert_eq!(called, "https://api.example.com:8443/v1/chat/completions?api-version=1");
    assert_eq!(
        (hosted.patience.first_token, hosted.patience.connect),
        (Duration::from_secs(5), Duration::from_secs(3))
    );
    assert_eq!((&*hosted.models[0].upstream, &*hosted.models[1].upstream), ("large-2026", "small"));
    assert_eq!(hosted.models[0].tokenizer_file.as_deref(), Some(Path::new("/conf/large/tokenizer.json")));
    assert_eq!(hosted.models[1].tokenizer_file, None);
    let prices = hosted.models[0].prices.unwrap();
    assert_eq!(
        prices.cached_prompt, prices.prompt,
        "a cached token costs what any does unless somebody says otherwise"
    );
    assert_eq!(absent.kind, ProviderKind::Anthropic);
    assert_eq!(absent.unusable.as_deref(), Some("the environment does not hold `NO_SUCH_KEY`"));
    assert_eq!(read(WHOLE, &[("NO_SUCH_KEY", "canary-2")]).unwrap().forwarding.providers[1].unusable, None);
}

#[test]
fn a_provider_that_cannot_be_meant_is_refused() {
    let provider = |more: &str| format!("[[provider]]\nname = \"a\"\n{more}\n[[provider.model]]\nid = \"m\"\n");
    let at = |more: &str| provider(&format!("base_url = \"http://h\"\n{more}"));
    complains(&provider(""), &[], "provider[0].base_url: expected the address of the provider, found none");
    for url in ["h", "ftp://h", "http://", "http://user:canary@h", "/v1"] {
        complains(
            &provider(&format!("base_url = \"{url}\"")),
            &[],
            "line 3, provider[0].base_url: expected an address",
        );
    }
    complains(&at("kind = \"openay\""), &[], "the nearest known one is `openai`");
    complains(&at("api_key_env = \"BAD\""), &[("BAD", "canary with spaces")], "expected a key of printable ASCII");
    complains(&at("headers_env = \"NO_SUCH\""), &[], "expected the environment to hold `NO_SUCH`");
    complains(&at("headers = { authorization = \"canary\" }"), &[], "a secret stands in the environment");
    complains(&at("headers = { x-goog-api-key = \"canary\" }"), &[], "a secret stands in the environment");
    complains(&at("headers = { \"not a name\" = \"x\" }"), &[], "expected the name of a header");
    for query in ["key=canary", "api-version=1&api_key=canary", "a&access_token=canary"] {
        complains(
            &provider(&format!("base_url = \"http://h/v1?{query}\"")),
            &[],
            "line 3, provider[0].base_url: expected an address without a key in its query",
        );
    }
    complains(&at("proxy = \"https://p\""), &[], "provider[0].proxy: expected an address");
    complains(&at("n_concurrent_max = 0"), &[], "n_concurrent_max: expected a whole number from 1 to 100000, found 0");
    complains(&at("requests_per_minute = 0"), &[], "requests_per_minute: expected a whole number from 1");
    complains(&at("reply_ms = 0"), &[], "reply_ms: expected a whole number from 1 to 3600000");
    complains(&at("conect_ms = 1"), &[], "unknown key `conect_ms`; the nearest known one is `connect_ms`");
    complains("[[provider]]\nname = \"a\"\nbase_url = \"http://h\"", &[], "expected 1 to 4096 models");
    complains(
        &(at("") + &at("")),
        &[],
        "provider[1].name: expected a name that no other provider has, found `a` twice",
    );
    complains("[[provider]]\nname = \"\"", &[], "provider[0].name: expected a name of 1 to 64 bytes, found 0");
    complains(&(at("") + "[[provider.model]]\nid = \"m\""), &[], "provider[0].model[1].id: `m` is listed twice");
    complains(&(at("") + "weight = 0"), &[], "provider[0].model[0].weight: expected a number above 0");
    complains(&(at("") + "usd_per_1m = { prompt = -1, completion = 1 }"), &[], "model[0].usd_per_1m: ");
    let many: String = (0..=MAX_PROVIDERS).map(|place| at("").replace("\"a\"", &format!("\"p{place}\""))).collect();
    complains(&many, &[], "expected at most 256 providers, found 257");
    complains("[forwarding]\nhedge_share = 1.5", &[], "forwarding.hedge_share: expected a share between 0 and 1");
    complains("[forwarding]\nn_attempts_max = 17", &[], "expected a whole number from 1 to 16, found 17");
}

#[test]
fn the_printed_settings_mean_the_same_and_hold_no_secret() {
    for text in ["", WHOLE] {
        let settings = read(text, &[]).unwrap();
        let printed = settings.to_toml();
        assert_eq!(read(&printed, &[]).unwrap(), settings, "{printed}");
        for shown in [printed, format!("{settings:?}")] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

#[test]
fn a_mistake_is_named_with_its_line_and_the_nearest_key() {
    complains(
        "[limits]\nmax_body_byte = 5",
        &[],
        "line 2, limits: unknown key `max_body_byte`; the nearest known one is `max_body_bytes`",
    );
    complains("[limit]\n", &[], "line 1: unknown key `limit`; the nearest known one is `limits`");
    complains("[grpc]\nlisten = 5", &[], "line 2, grpc.listen: expected a string, found integer `5`");
    complains(
        "[outcome_log]\ndirectory = \"x\"\nsource = \"\"",
        &[],
        "line 3, outcome_log.source: expected a name of 1 to",
    );
    let doors = |grpc: &str, http: &str| format!("[grpc]\nlisten = \"{grpc}\"\n[http]\nlisten = \"{http}\"");
    complains(&doors("127.0.0.1:80", "127.0.0.1:80"), &[], "line 4, http.listen: expected doors of their own");
    complains(&doors("0.0.0.0:80", "127.0.0.1:80"), &[], "found both at port 80");
    complains("[grpc]\nlisten = \"127.0.0.1:8080\"", &[], "line 2, grpc.listen: expected doors of their own");
    complains("[http]\nlisten = \"localhost\"", &[], "line 2, http.listen: expected an address and a port");
    complains(
        "[inference]\nthreads = 0",
        &[],
        "line 2, inference.threads: expected a whole number from 1 to 256, found 0",
    );
    complains("[inference]\nbatch_wait_us = 1001", &[], "expected a whole number from 0 to 1000, found 1001");
    complains(
        "[limits]\nmax_bytes_in_flight = 1024",
        &[],
        "limits.max_bytes_in_flight: expected at least `max_body_bytes`",
    );
    complains("[tls]\ncertificate_file = \"x\"", &[], "tls.key_file: expected the private key");
    complains("[tls]\nkey_file = \"x\"", &[], "tls.certificate_file: expected the certificate of `key_file`");
    complains("[tls]\nclient_ca_file = \"x\"", &[], "tls.certificate_file: expected a certificate beside");
    complains(
        "[tls]\ncertificate_file = \"x\"\nkey_file = \"y\"\nclient_certificates = \"required\"",
        &[],
        "line 4, tls.client_certificates: needs `client_ca_file`",
    );
    complains("[log]\nfilter = \"inof\"", &[], "line 2, log.filter: expected a level of");
    complains("[log]\nformat = \"jsn\"", &[], "the nearest known one is `json`");
    complains(
        "[traces]\notlp_endpoint = \"http://c:1\"\notlp_ca_file = \"c.pem\"",
        &[],
        "line 3, traces.otlp_ca_file: needs an `otlp_endpoint` that begins with `https://`",
    );
    complains("[traces]\nsample_ratio = 0.5", &[], "traces.otlp_endpoint: expected an endpoint");
    complains(
        "[traces]\notlp_endpoint = \"http://c:1\"\nsample_ratio = 1.5",
        &[],
        "line 3, traces.sample_ratio: expected a share",
    );
    complains("x = ", &[], "line 1");
}

#[test]
fn a_caller_without_a_usable_token_is_refused() {
    let caller = |name: &str, variable: &str| format!("[[caller]]\nname = \"{name}\"\ntoken_env = \"{variable}\"\n");
    complains(&caller("a", "NO_SUCH"), &[], "line 3, caller[0].token_env: expected the environment to hold `NO_SUCH`");
    complains(&caller("a", "SHORT"), &[("SHORT", "canary")], "expected a token of at least 16 printable");
    complains(&caller("a", "SPACE"), &[("SPACE", "canary token 0123456789")], "without spaces in `SPACE`");
    complains(&caller("", "GATEWAY_TOKEN"), &[], "line 2, caller[0].name: expected a name");
    complains(
        &caller("a", "GATEWAY_TOKEN").repeat(2),
        &[],
        "line 5, caller[1].name: expected a name of 1 to 64 bytes that no other",
    );
    let many: String = (0..=MAX_CALLERS).map(|index| caller(&format!("c{index}"), "GATEWAY_TOKEN")).collect();
    complains(&many, &[], "expected at most 256 callers, found 257");
}

#[test]
fn any_key_can_be_overridden_from_the_environment() {
    let overridden = read(
        WHOLE,
        &[
            ("POINTSMAN__HTTP__LISTEN", "0.0.0.0:80"),
            ("POINTSMAN__RELOAD__WATCH", "true"),
            ("POINTSMAN__INFERENCE__THREADS", "7"),
            ("POINTSMAN__TRACES__SAMPLE_RATIO", "0.5"),
            ("POINTSMAN__LOG__FORMAT", "human"),
        ],
    )
    .unwrap();
    assert_eq!(overridden.http_listen, SocketAddr::from(([0, 0, 0, 0], 80)));
    assert!(overridden.reload.watch);
    assert_eq!(overridden.inference.threads, 7);
    assert_eq!(overridden.traces.unwrap().otlp.sample_ratio.to_string(), "0.5");
    assert_eq!(overridden.limits, read(WHOLE, &[]).unwrap().limits, "the rest is as it was");
}

#[test]
fn an_override_is_read_as_what_its_key_holds() {
    for text in ["42", "4.2", "true", "1e-3", " spaced "] {
        let traces = read(WHOLE, &[("POINTSMAN__TRACES__SERVICE_NAME", text)]).unwrap().traces.unwrap();
        assert_eq!(traces.otlp.service_name, text);
    }
    for (text, share) in [("1e-3", 0.001), ("0.5", 0.5), ("1", 1.0), ("0", 0.0), (" 5E-1 ", 0.5), ("1e-9", 1e-9)] {
        let share_of = |variable| read(WHOLE, &[(variable, text)]).unwrap();
        let hedge = share_of("POINTSMAN__FORWARDING__HEDGE_SHARE").forwarding.hedge.share;
        let sampled = share_of("POINTSMAN__TRACES__SAMPLE_RATIO").traces.unwrap().otlp.sample_ratio;
        assert_eq!((hedge.to_bits(), sampled.to_bits()), (f64::to_bits(share), f64::to_bits(share)), "{text}");
    }
    for text in ["NaN", "inf", "half", ""] {
        complains(WHOLE, &[("POINTSMAN__FORWARDING__HEDGE_SHARE", text)], "POINTSMAN__FORWARDING__HEDGE_SHARE");
    }
}

#[test]
fn what_is_printed_means_the_same_wherever_it_is_kept() {
    // A collector's certificate is read by the start, not here.
    let relative = Settings::from_text(WHOLE, Path::new("conf"), &environment(&[])).unwrap();
    let printed = relative.to_toml();
    let kept = Settings::from_text(&printed, Path::new("elsewhere"), &environment(&[])).unwrap();
    let here = std::path::absolute("conf").unwrap();
    assert_eq!(kept, Settings::from_text(WHOLE, &here, &environment(&[])).unwrap(), "{printed}");
}

#[test]
fn an_override_that_overrides_nothing_is_a_slip() {
    let case = |variable: &str, value: &str, expected: &str| complains("", &[(variable, value)], expected);
    case(
        "POINTSMAN__HTP__LISTEN",
        "x",
        "variable `POINTSMAN__HTP__LISTEN`: unknown section `htp`; the nearest known one is `http`",
    );
    case("POINTSMAN__HTTP__LISTN", "x", "unknown key `listn`; the nearest known one is `listen`");
    case("POINTSMAN__HTTP", "x", "expected POINTSMAN__SECTION__KEY");
    case("POINTSMAN__INFERENCE__THREADS", "many", "expected a whole number from 0, found string \"many\"");
    case("POINTSMAN__INFERENCE__THREADS", "0", "inference.threads: expected a whole number from 1 to 256, found 0");
}

#[test]
fn no_number_can_be_made_boundless() {
    let numbers = |value: &str| {
        let all = keys().into_iter().flat_map(|(section, keys)| keys.iter().map(move |key| (section, *key)));
        let value = value.to_owned();
        all.map(move |(section, key)| {
            let beside = match (section, key) {
                ("traces", key) if key != "otlp_endpoint" => "otlp_endpoint = \"http://c:1\"\n",
                ("outcome_log", key) if key != "directory" => "directory = \"x\"\n",
                (_, _) => "",
            };
            (
                section,
                key,
                read(&format!("[{section}]\n{beside}{key} = {value}\n"), &[]).map_err(|error| error.to_string()),
            )
        })
    };
    let mut n_numbers = 0;
    for (section, key, outcome) in numbers(&i64::MAX.to_string()) {
        let error = outcome.expect_err(key);
        assert!(error.contains(key), "{section}.{key}: {error}");
        n_numbers += usize::from(error.contains("expected a whole number from"));
    }
    assert!(n_numbers > 20, "only {n_numbers}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Settings::read(Some(Path::new("/no/such/file.toml"))).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/file.toml: "), "{error}");
}
