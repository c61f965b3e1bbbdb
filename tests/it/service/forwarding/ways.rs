//! How a provider is reached: encrypted, by certificates that are believed and by no others, and through a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use router_service::Settings;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::provider::{Provider, reply, stream};
use super::{DEAR, ask, chat, configured, events, streamed, text_of};
use crate::service::Running;
use crate::service::tls::certs;

/// Something on the way to a provider.
struct Way {
    address: SocketAddr,
    /// What it was asked for, where that is in the clear, or why nobody could ask.
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Way {
    /// Encryption in front of a provider that has none.
    async fn encrypted(provider: SocketAddr) -> Self {
        let known = "the certificates are those of this test";
        let chain = vec![CertificateDer::from_pem_file(certs().join("server.pem")).expect(known)];
        let key = PrivateKeyDer::from_pem_file(certs().join("server.key")).expect(known);
        let config = ServerConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
            .with_safe_default_protocol_versions()
            .expect(known)
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect(known);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::start(move |near, asked| {
            let acceptor = acceptor.clone();
            async move {
                let mut near = acceptor.accept(near).await.inspect_err(|error| {
                    asked.lock().expect("nobody panicked").push(error.to_string());
                })?;
                let mut far = TcpStream::connect(provider).await?;
                copy_bidirectional(&mut near, &mut far).await
            }
        })
        .await
    }

    /// A proxy that answers with this status, and connects if that is 200.
    async fn proxy(status: &'static str) -> Self {
        Self::start(move |mut near, asked| async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(near.read_u8().await?);
            }
            let head = String::from_utf8(head).expect("a head is ASCII");
            let goal = head.split(' ').nth(1).expect("it asks for somebody").to_owned();
            asked.lock().expect("nobody panicked").push(head);
            near.write_all(format!("HTTP/1.1 {status} Said\r\nvia: test\r\n\r\n").as_bytes()).await?;
            if status != "200" {
                return Ok((0, 0));
            }
            let mut far = TcpStream::connect(goal).await?;
            copy_bidirectional(&mut near, &mut far).await
        })
        .await
    }

    async fn start<F>(passed: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = std::io::Result<(u64, u64)>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let passing = passed(near, Arc::clone(&heard));
                connections.spawn(async move {
                    let _ = passing.await;
                });
            }
        });
        Self { address, asked, _tasks: tasks }
    }
}

/// One provider at this address, with more of what is written of it.
fn forwarding_by(url: &str, more: &str) -> Settings {
    let provider = format!("[[provider]]\nname = \"p0\"\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n{more}");
    configured(&format!("{provider}\n[[provider.model]]\nid = \"{DEAR}\"\n"))
}

/// A provider behind encryption, by the name that its certificate bears.
fn encrypted_by(port: u16, more: &str) -> Settings {
    forwarding_by(&format!("https://localhost:{port}/v1"), more)
}

fn ca_file() -> String {
    format!("ca_file = \"{}\"\n", certs().join("ca.pem").display())
}

fn usage() -> Value {
    json!({ "prompt_tokens": 9, "completion_tokens": 3 })
}

#[tokio::test]
async fn an_encrypted_provider_is_called_where_its_certificate_is_believed() {
    let provider = Provider::start(vec![reply("Left.", &usage()), stream(&["The", " left"], Some(&usage()))]).await;
    let way = Way::encrypted(provider.address).await;
    let running = Running::start(encrypted_by(way.address.port(), &ca_file())).await;
    let whole = ask(&running, &chat(DEAR)).await;
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "Left.");
    assert_eq!(text_of(&events(&ask(&running, &streamed(DEAR)).await)), "The left");
    running.ended().await;
}

#[tokio::test]
async fn no_call_goes_to_a_provider_whose_certificate_is_not_believed() {
    let provider = Provider::start(vec![reply("Left.", &usage())]).await;
    let way = Way::encrypted(provider.address).await;
    let port = way.address.port();
    // Nobody vouches for it; it bears another name than it is called by; it does not encrypt at all.
    for (settings, said) in [
        (encrypted_by(port, ""), Some("UnknownCA")),
        (forwarding_by(&format!("https://0.0.0.0:{port}/v1"), &ca_file()), Some("BadCertificate")),
        (encrypted_by(provider.address.port(), &ca_file()), None),
    ] {
        let running = Running::start(settings).await;
        let answer = ask(&running, &chat(DEAR)).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], "upstream_failed");
        assert_eq!(answer.headers["x-pointsman-cost-usd"], "0", "nothing was sent");
        running.ended().await;
        let heard = std::mem::take(&mut *way.asked.lock().expect("nobody panicked"));
        let why = |heard: &String| said.is_some_and(|said| heard.contains(said));
        assert!(heard.iter().all(why) && heard.is_empty() == said.is_none(), "expected {said:?}, heard {heard:?}");
    }
    assert!(provider.calls().is_empty(), "neither a call nor its key left");
}

#[tokio::test]
async fn a_proxy_is_connected_through_and_sees_nothing_but_where_to() {
    let provider = Provider::start(vec![reply("Left.", &usage())]).await;
    let (way, proxy) = (Way::encrypted(provider.address).await, Way::proxy("200").await);
    let through = format!("proxy = \"http://{}\"\n", proxy.address);
    let port = way.address.port();
    let encrypted = encrypted_by(port, &format!("{through}{}", ca_file()));
    let clear = forwarding_by(&format!("http://{}/v1", provider.address), &through);
    for (settings, goal) in [(encrypted, format!("localhost:{port}")), (clear, provider.address.to_string())] {
        let running = Running::start(settings).await;
        let whole = ask(&running, &chat(DEAR)).await;
        assert_eq!(whole.json()["choices"][0]["message"]["content"], "Left.", "{}", whole.text());
        running.ended().await;
        let asked = std::mem::take(&mut *proxy.asked.lock().expect("nobody panicked"));
        assert_eq!(asked, [format!("CONNECT {goal} HTTP/1.1\r\nhost: {goal}\r\n\r\n")]);
    }
    assert_eq!(provider.calls().len(), 2);
}

#[tokio::test]
async fn a_proxy_that_lets_nobody_through_is_a_provider_that_is_not_reached() {
    let provider = Provider::start(vec![reply("Left.", &usage())]).await;
    let proxy = Way::proxy("407").await;
    let through = format!("proxy = \"http://{}\"\n", proxy.address);
    let running = Running::start(forwarding_by(&format!("http://{}/v1", provider.address), &through)).await;
    let answer = ask(&running, &chat(DEAR)).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (StatusCode::BAD_GATEWAY, Some("upstream_failed"))
    );
    assert!(provider.calls().is_empty());
    running.ended().await;
}
