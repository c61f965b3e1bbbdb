//! What forwarding costs: the same calls straight to an upstream, which is part of this process, and through a running service, in one
//! run, so that their ratio says something on any machine. The service needs a provider at the upstream's address, such as
//! `base_url = "http://127.0.0.1:9100/v1"`.
//!
//! `cargo run --release -p router-service --example forward_load -- --through 127.0.0.1:8080`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

mod entrance;

use entrance::{Failure, enter};

const USAGE: &str = "\
forward_load --through ADDRESS
  --upstream ADDRESS    where the upstream of this process listens (127.0.0.1:9100)
  --header 'NAME: VALUE'  of every call, for a gateway that asks for one; may stand more than once
  --seconds S           how long each part takes (10)
  --rate R              calls a second, each way, while latency is measured (300)
  --connections N       connections each way; as many calls at once while throughput is measured (32)
  --streams N           streams at once (200)
  --tokens-per-second N of each stream (50)";

fn main() -> ExitCode {
    // Callers and the scripted upstream.
    enter(USAGE, 2, Plan::read, |plan| run(Arc::new(plan)))
}

struct Plan {
    through: String,
    upstream: String,
    /// As they stand in a request's head.
    headers: String,
    numbers: BTreeMap<&'static str, u64>,
    /// Stamps in the tokens of a stream count from here.
    began: Instant,
    next: AtomicU64,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let defaults = [
            ("--seconds", 10),
            ("--rate", 300),
            ("--connections", 32),
            ("--streams", 200),
            ("--tokens-per-second", 50),
        ];
        let mut numbers: BTreeMap<&'static str, u64> = defaults.into();
        let (mut through, mut upstream, mut headers) = (None, "127.0.0.1:9100".to_owned(), String::new());
        for pair in arguments.chunks(2) {
            let [key, value] = pair else { return Err(format!("expected a value after `{}`", pair[0])) };
            match (key.as_str(), numbers.iter_mut().find(|(known, _)| *known == key)) {
                ("--through", _) => through = Some(value.clone()),
                ("--upstream", _) => upstream.clone_from(value),
                ("--header", _) if value.contains(": ") && !value.contains(['\r', '\n']) => {
                    headers.push_str(value);
                    headers.push_str("\r\n");
                }
                ("--header", _) => {
                    return Err(format!("expected a name, `: ` and a value after `--header`, found `{value}`"));
                }
                (_, Some((_, number))) => {
                    let read = value.parse().ok().filter(|number| *number > 0);
                    *number = read.ok_or_else(|| format!("expected a number from 1 after `{key}`, found `{value}`"))?;
                }
                (_, None) => return Err(format!("unknown argument `{key}`")),
            }
        }
        let through = through.ok_or("expected --through with an address")?;
        Ok(Self {
            through,
            upstream,
            headers,
            numbers,
            began: Instant::now(),
            next: AtomicU64::new(fastrand::u64(..1 << 40)),
        })
    }

    fn number(&self, key: &str) -> u64 {
        self.numbers[key]
    }

    fn span(&self) -> Duration {
        Duration::from_secs(self.number("--seconds"))
    }

    fn address(&self, way: Way) -> &str {
        match way {
            Way::Direct => &self.upstream,
            Way::Through => &self.through,
        }
    }

    /// A call with a prompt that nobody has asked before.
    fn call(&self, stream: bool) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let prompt =
            format!("Case {number}: which of two trains arrives first, and which lever did the pointsman pull?");
        let body = format!(
            "{{\"model\":\"auto\",\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
        );
        let length = body.len();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: load\r\ncontent-type: application/json";
        format!("{head}\r\n{}content-length: {length}\r\n\r\n{body}", self.headers)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Through,
}

const WAYS: [Way; 2] = [Way::Direct, Way::Through];

async fn run(plan: Arc<Plan>) -> Result<(), Failure> {
    let listener = TcpListener::bind(&plan.upstream).await?;
    let mut upstream = JoinSet::new();
    upstream.spawn(listen(listener, Arc::clone(&plan)));
    latency(&plan).await?;
    throughput(&plan).await?;
    streams(&plan).await
}

/// Both ways at the same time, call by call when it is due.
async fn latency(plan: &Arc<Plan>) -> Result<(), Failure> {
    let (n, rate, begin) = (plan.number("--connections"), plan.number("--rate"), Instant::now());
    let mut tasks = JoinSet::new();
    for (way, index) in WAYS.into_iter().flat_map(|way| (0..n).map(move |index| (way, index))) {
        let plan = Arc::clone(plan);
        tasks.spawn(async move {
            let (mut line, mut took) = (Line::open(plan.address(way)).await?, Vec::new());
            for turn in 0.. {
                let due = begin + Duration::from_nanos((turn * n + index) * 1_000_000_000 / rate);
                if due >= begin + plan.span() {
                    break;
                }
                sleep_until(due.into()).await;
                line.call(&plan).await?;
                took.push(due.elapsed());
            }
            Ok::<_, Failure>((way, took))
        });
    }
    print(&format!("latency at {rate} calls a second each way, from when a call was due"), &gathered(tasks).await?)
}

/// One way after the other, as fast as it goes.
async fn throughput(plan: &Arc<Plan>) -> Result<(), Failure> {
    for way in WAYS {
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..plan.number("--connections") {
            let plan = Arc::clone(plan);
            tasks.spawn(async move {
                let (mut line, mut n_calls) = (Line::open(plan.address(way)).await?, 0_u32);
                while begin.elapsed() < plan.span() {
                    line.call(&plan).await?;
                    n_calls += 1;
                }
                Ok::<_, Failure>(n_calls)
            });
        }
        let mut n_calls = 0;
        while let Some(ended) = tasks.join_next().await {
            n_calls += ended??;
        }
        let rate = f64::from(n_calls) / begin.elapsed().as_secs_f64();
        writeln!(io::stdout(), "throughput, {way:?}: {rate:.0} calls a second")?;
    }
    Ok(())
}

/// One way after the other: how long each token takes from the upstream to the caller.
async fn streams(plan: &Arc<Plan>) -> Result<(), Failure> {
    let mut took = Vec::new();
    for way in WAYS {
        let mut tasks = JoinSet::new();
        for _ in 0..plan.number("--streams") {
            let plan = Arc::clone(plan);
            tasks.spawn(async move { Ok((way, Line::open(plan.address(way)).await?.stream(&plan).await?)) });
        }
        took.extend(gathered(tasks).await?);
    }
    let (n, rate) = (plan.number("--streams"), plan.number("--tokens-per-second"));
    print(&format!("{n} streams of {rate} tokens a second, from when a token was sent"), &took)
}

async fn gathered(
    mut tasks: JoinSet<Result<(Way, Vec<Duration>), Failure>>,
) -> Result<Vec<(Way, Vec<Duration>)>, Failure> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.push(ended??);
    }
    Ok(all)
}

fn print(title: &str, took: &[(Way, Vec<Duration>)]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{title}, ms")?;
    for way in WAYS {
        let mut all: Vec<Duration> =
            took.iter().filter(|(taken, _)| *taken == way).flat_map(|(_, took)| took.clone()).collect();
        all.sort_unstable();
        let last = all.len().checked_sub(1).ok_or("nothing was answered")?;
        let at = |in_1000: usize| all[last * in_1000 / 1000].as_secs_f64() * 1e3;
        let n = all.len();
        writeln!(
            out,
            "  {way:8?} p50 {:>8.3}  p90 {:>8.3}  p99 {:>8.3}  p99.9 {:>8.3}  max {:>8.3}  of {n}",
            at(500),
            at(900),
            at(990),
            at(999),
            at(1000)
        )?;
    }
    Ok(())
}

/// A connection of either side.
struct Line(BufReader<TcpStream>);

impl Line {
    async fn open(address: &str) -> Result<Self, Failure> {
        Self::of(TcpStream::connect(address).await?)
    }

    fn of(stream: TcpStream) -> Result<Self, Failure> {
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes()).await
    }

    async fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await? {
            0 => Err("the connection was closed".into()),
            _ => Ok(line),
        }
    }

    /// The first line of a message and its body, which must say how long it is.
    async fn message(&mut self) -> Result<(String, String), Failure> {
        let (first, mut length) = (self.line().await?, 0);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.trim().is_empty() {
                break;
            }
            if let Some(told) = line.strip_prefix("content-length:") {
                length = told.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((first, String::from_utf8(body)?))
    }

    async fn call(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.say(&plan.call(false)).await?;
        let (status, body) = self.message().await?;
        if status.contains(" 200 ") { Ok(()) } else { Err(format!("{} {body}", status.trim()).into()) }
    }

    /// How long each token of a stream was on its way.
    async fn stream(mut self, plan: &Plan) -> Result<Vec<Duration>, Failure> {
        self.say(&plan.call(true)).await?;
        let mut took = Vec::new();
        loop {
            let line = self.line().await?;
            if line.starts_with("data: [DONE]") {
                return Ok(took);
            }
            if let Some(stamp) = line.split('@').nth(1) {
                let sent = plan.began + Duration::from_micros(stamp.parse()?);
                took.push(sent.elapsed());
            }
        }
    }
}

async fn listen(listener: TcpListener, plan: Arc<Plan>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        connections.spawn(async move {
            // Whoever hangs up has heard enough.
            let _ = serve(stream, &plan).await;
        });
    }
}

const USAGE_JSON: &str = r#"{"prompt_tokens":30,"completion_tokens":12,"total_tokens":42}"#;

async fn serve(stream: TcpStream, plan: &Plan) -> Result<(), Failure> {
    let mut line = Line::of(stream)?;
    loop {
        let (_, call) = line.message().await?;
        if call.contains("\"stream\":true") {
            speak(&mut line, plan).await?;
            continue;
        }
        let message = r#"{"role":"assistant","content":"The left one, since its lever was pulled before."}"#;
        let body = format!(
            "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"load\",\"choices\":[{{\"index\":0,\
             \"message\":{message},\"finish_reason\":\"stop\"}}],\"usage\":{USAGE_JSON}}}"
        );
        let length = body.len();
        line.say(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await?;
    }
}

/// A stream at its pace, each token with the time it was sent at.
async fn speak(line: &mut Line, plan: &Plan) -> Result<(), Failure> {
    line.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    let rate = plan.number("--tokens-per-second");
    let mut ticks: Interval = interval(Duration::from_nanos(1_000_000_000 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..rate * plan.number("--seconds") {
        ticks.tick().await;
        let delta = format!("{{\"content\":\"@{}@ \"}}", plan.began.elapsed().as_micros());
        event(line, &chunk(&delta, "null")).await?;
    }
    event(line, &chunk("{}", "\"stop\"")).await?;
    event(line, "[DONE]").await?;
    Ok(line.say("0\r\n\r\n").await?)
}

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"load\",\"choices\":[{{\"index\":0,\
         \"delta\":{delta},\"finish_reason\":{finish}}}]}}"
    )
}

async fn event(line: &mut Line, text: &str) -> io::Result<()> {
    let event = format!("data: {text}\n\n");
    line.say(&format!("{:x}\r\n{event}\r\n", event.len())).await
}
