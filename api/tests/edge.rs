//! The HTTP edge: CORS, response headers, the limit on a request's head, early refusals, rate limits.

use reqwest::Method;
use serde_json::json;
use sqlx::MySqlPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use toneup_testing::{Answer, Running, Stack, problem_of};

/// Asks as a browser does before it lets a page of `origin` submit.
async fn preflight(api: &Running, origin: &str) -> Answer {
    let client = api.anonymous();
    let request = client
        .request(Method::OPTIONS, "/v1/analyses")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,idempotency-key");
    client.send(request).await
}

#[sqlx::test(migrations = "../migrations")]
async fn only_pages_of_named_origins_may_call(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let closed = stack.api().await;
    let stack = stack.with("CORS_ORIGINS", "https://app.example");
    let open = stack.api().await;
    // The page by both names of this machine, and those that are named.
    for origin in ["https://app.example", "http://127.0.0.1:8080", "http://localhost:8080"] {
        let allowed = preflight(&open, origin).await;
        assert_eq!(allowed.status, 200, "{allowed:?}");
        assert_eq!(allowed.header("access-control-allow-origin"), origin);
    }
    let allowed = preflight(&open, "https://app.example").await;
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
    let guest = open.guest().await;
    let request =
        guest.request(Method::GET, "/v1/analyses").header("origin", "https://app.example");
    let answer = guest.send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    for (api, origin) in [(&open, "https://evil.example"), (&closed, "https://app.example")] {
        let refused = preflight(api, origin).await;
        assert_eq!(refused.header("access-control-allow-origin"), "", "{refused:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn text_is_compressed_for_those_who_ask_and_https_is_insisted_on(db: MySqlPool) {
    let api = Stack::new(db).await.with("PAGE_ORIGIN", "https://toneup.example").api().await;
    let client = api.anonymous();
    let ask = async |path: &str| {
        let request = client.request(Method::GET, path).header("accept-encoding", "br, gzip");
        client.send(request).await
    };
    let page = ask("/assets/app.js").await;
    assert_eq!((page.status.as_u16(), page.header("content-encoding")), (200, "gzip"));
    assert!(page.headers.get_all("vary").iter().any(|vary| vary == "accept-encoding"), "{page:?}");
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    let session = client.request(Method::POST, "/v1/sessions/guest");
    let session = client.send(session.header("accept-encoding", "gzip")).await;
    assert_eq!((session.status.as_u16(), session.header("content-encoding")), (201, ""));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_head_has_a_bound_and_no_answer_is_sniffed(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let client = api.anonymous();
    let ask = async |bytes: usize| {
        let request = client.request(Method::GET, "/healthz").header("x-filler", "x".repeat(bytes));
        client.send(request).await
    };
    let fine = ask(8 * 1024).await;
    assert_eq!((fine.status.as_u16(), fine.header("x-content-type-options")), (200, "nosniff"));
    assert_eq!(ask(64 * 1024).await.status, 431);
}

/// A request whose client is refused before its body was read, as an app sends it: whole, and only then listening.
async fn send_raw(api: &Running, head: &str, body_bytes: usize) -> String {
    let address = api.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nhost: {address}\r\ncontent-length: {body_bytes}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![0xff; 64 * 1024];
    for _ in 0..body_bytes / chunk.len() {
        stream.write_all(&chunk).await.unwrap();
    }
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_reaches_a_client_that_is_still_sending(db: MySqlPool) {
    const PHOTO: usize = 10 * 1024 * 1024;
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let token = guest.session["accessToken"].as_str().unwrap();
    let form = "POST /v1/analyses HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=x";
    let unbounded = "POST /v1/analyses HTTP/1.1\r\ncontent-type: multipart/form-data";
    let text = "POST /v1/analyses HTTP/1.1\r\ncontent-type: text/plain";
    let json = "POST /v1/uploads HTTP/1.1\r\ncontent-type: application/json";
    let authorization = format!("authorization: Bearer {token}");
    for (head, status) in [
        (form.to_owned(), "401"),
        (format!("{text}\r\n{authorization}"), "415"),
        (format!("{json}\r\n{authorization}"), "413"),
        (format!("{unbounded}\r\n{authorization}"), "400"),
        ("POST /nothing HTTP/1.1".to_owned(), "404"),
    ] {
        let answer = send_raw(&api, &head, PHOTO).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn limits_count_by_network_and_say_what_is_left(db: MySqlPool) {
    let stack = Stack::new(db).await.with("GUEST_SESSIONS_PER_MINUTE", "2");
    let stack = stack.with("CLIENT_IP_HEADER", "X-Forwarded-For").with("CLIENT_IP_HOPS", "2");
    // Two replicas count together.
    let apis = [stack.api().await, stack.api().await];
    let start = async |api: &Running, lines: [&str; 2]| {
        let client = api.anonymous();
        let mut request = client.request(Method::POST, "/v1/sessions/guest");
        for line in lines {
            request = request.header("x-forwarded-for", line);
        }
        client.send(request).await
    };
    let first = start(&apis[0], ["2001:db8:1:2::1", "10.0.0.1"]).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.header("ratelimit-policy"), "\"guest-sessions\";q=2;w=60");
    assert_eq!(first.header("ratelimit"), "\"guest-sessions\";r=1;t=30");
    // Another address of the same subscriber; a line that the client made up.
    assert_eq!(start(&apis[1], ["9.9.9.9, 2001:db8:1:2::2", "10.0.0.1"]).await.status, 201);
    let third = start(&apis[0], ["8.8.8.8, 2001:db8:1:2::3", "10.0.0.1"]).await;
    assert_eq!(problem_of(&third), (429, "rate_limited".to_owned(), vec![]));
    assert!(third.header("ratelimit").starts_with("\"guest-sessions\";r=0;t="), "{third:?}");
    assert!((1..=30).contains(&third.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(start(&apis[0], ["2001:db8:1:3::1", "10.0.0.1"]).await.status, 201);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_each_replica_counts_by_itself(db: MySqlPool) {
    let stack = Stack::new(db).await.with("GUEST_SESSIONS_PER_MINUTE", "2");
    let api = stack.with("REDIS_URL", "redis://127.0.0.1:1/0").api().await;
    let (_, _) = (api.guest().await, api.guest().await);
    let third = api.anonymous().post("/v1/sessions/guest", json!({})).await;
    assert_eq!(problem_of(&third).1, "rate_limited");
}
