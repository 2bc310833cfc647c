//! Who may call from where, and how much may be said before the body.

use reqwest::Method;
use sqlx::MySqlPool;
use toneup_testing::{Answer, Running, Stack};

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
    let allowed = preflight(&open, "https://app.example").await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
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
