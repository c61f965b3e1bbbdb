//! `pointsman serve` and `check` as an operator meets them: what they print, what signals do, exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::scratch::{Scratch, check};

const ANY_PORT: &str = "[grpc]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n";

/// A service that is killed with its owner.
struct Serving {
    child: Child,
    welcome: String,
    http: String,
    stderr: BufReader<ChildStderr>,
}

impl Serving {
    fn start(scratch: &Scratch, config: &str) -> Self {
        scratch.write("pointsman.toml", config);
        let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(["serve", "--config", "pointsman.toml"])
            .current_dir(&scratch.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut welcome = String::new();
        while !welcome.contains("curl") {
            assert_ne!(out.read_line(&mut welcome).expect("it prints text"), 0, "it ended: {welcome}");
        }
        let http = welcome.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
        let http = http.expect("the welcome names the HTTP address").to_owned();
        Self { child, welcome, http, stderr }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Reads the log up to a line that says this.
    fn log_says(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).expect("it logs text"), 0, "it never said {words:?}");
        }
    }

    fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers text");
    answer
}

#[test]
fn the_line_to_try_works_and_a_signal_drains() {
    let scratch = Scratch::new("serve");
    let mut serving = Serving::start(&scratch, ANY_PORT);
    for word in [
        "gRPC      127.0.0.1:",
        "artifact  sha256:",
        "(built in)",
        "models    ",
        "policies  balanced (default balanced)",
    ] {
        assert!(serving.welcome.contains(word), "{}", serving.welcome);
    }
    let body = serving.welcome.split('\'').nth(1).expect("the line to try has a body").to_owned();
    let (host, length) = (serving.http.clone(), body.len());
    let request = format!(
        "POST /v1/route HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let answer = ask(&host, &request);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"reason\":"), "{answer}");

    serving.signal("HUP");
    serving.log_says("took a new snapshot into use");
    serving.signal("TERM");
    serving.log_says("drained");
    assert_eq!(serving.ended(), Some(0));
}

#[test]
fn what_does_not_hold_is_told_once_the_log_is_open() {
    let scratch = Scratch::new("serve-amiss");
    let config = format!("{ANY_PORT}[shutdown]\nnotice_ms = 0\n[forwarding]\nbaseline_model = \"nobody\"\n");
    let mut serving = Serving::start(&scratch, &config);
    serving.signal("TERM");
    serving.log_says("the baseline is not in the catalog");
    assert_eq!(serving.ended(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let scratch = Scratch::new("serve-twice");
    let slow = format!("{ANY_PORT}[shutdown]\nnotice_ms = 600000\n");
    let mut serving = Serving::start(&scratch, &slow);
    serving.signal("INT");
    serving.log_says("told to stop");
    serving.signal("TERM");
    serving.log_says("ended at once by a second signal");
    assert_eq!(serving.ended(), Some(1));
}

#[test]
fn check_prints_settings_that_mean_the_same_and_shows_no_token() {
    let scratch = Scratch::new("check");
    scratch.write("pointsman.toml", ANY_PORT);
    let output = scratch.run("check --config pointsman.toml");
    check(&output, 0, "listen = \"127.0.0.1:0\"", "");
    check(&output, 0, "# Good: ", "");
    scratch.write("printed.toml", &String::from_utf8_lossy(&output.stdout));
    assert_eq!(scratch.run("check --config printed.toml").stdout, output.stdout);
}

#[test]
fn check_tells_programs_what_it_tells_people() {
    let scratch = Scratch::new("check-json");
    let catalog = "[[model]]\nid = \"nobody-1\"\ncontext_window = 8192\nusd_per_1m = { prompt = 1, completion = 2 }\n";
    scratch.write("models.toml", catalog);
    scratch.write("pointsman.toml", &format!("{ANY_PORT}[routing]\ncatalog_file = \"models.toml\"\n"));
    let output = scratch.run("check --config pointsman.toml --json");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["n_models"], &found["unknown_models"]), (&json!(1), &json!(["nobody-1"])));
    assert!(found["artifact"].as_str().unwrap().starts_with("sha256:"), "{found}");
    assert_eq!(found["settings"]["grpc"]["listen"], "127.0.0.1:0");
    let note = found["notes"][0].as_str().unwrap();
    check(&scratch.run("check --config pointsman.toml"), 0, note, "");
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_served() {
    let scratch = Scratch::new("check-wrong");
    scratch.write("pointsman.toml", "[limits]\nmax_body_byte = 5\n");
    for command in ["check", "serve"] {
        let output = scratch.run(&format!("{command} --config pointsman.toml"));
        check(
            &output,
            1,
            "",
            "pointsman.toml: line 2, limits: unknown key `max_body_byte`; the nearest known one is `max_body_bytes`",
        );
    }
    scratch.write("pointsman.toml", "[routing]\ncatalog_file = \"none.toml\"\n");
    check(&scratch.run("serve --config pointsman.toml"), 1, "", "none.toml: ");
    check(&scratch.run("check --config missing.toml"), 1, "", "missing.toml: ");
    scratch.write("logs.toml", "[outcome_log]\ndirectory = \"pointsman.toml/log\"\n");
    for command in ["check", "serve"] {
        check(&scratch.run(&format!("{command} --config logs.toml")), 1, "", "pointsman.toml/log: ");
    }
    check(&scratch.run("serve --confg x"), 2, "", "--confg");
}
