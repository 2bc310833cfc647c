//! Reading clients: they page through their history, wait for an analysis by long polls, request uploads and load the
//! page.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::time::sleep;

use crate::chaos::clients::Crowd;

const READERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait of a long poll, in seconds: longer than a job takes, so that most end with news and some with the
/// process.
const WAIT_SECONDS: u64 = 10;

/// Sends reading requests forever.
pub(super) async fn read(crowd: &Crowd, public_url: &str) {
    let Ok(http) = Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build() else { return };
    join_all((0..READERS).map(|reader| one(crowd, public_url, &http, reader))).await;
}

async fn one(crowd: &Crowd, public_url: &str, http: &Client, reader: usize) {
    for turn in (reader..).step_by(READERS) {
        let signed = |request: RequestBuilder| request.bearer_auth(crowd.user(turn).token());
        let history = signed(http.get(format!("{public_url}/v1/analyses?limit=5")));
        if let Some(answer) = crowd.tally.ask(history).await {
            let newest = answer.said["items"][0]["id"].as_str().map(ToOwned::to_owned);
            if let Some(id) = newest {
                let poll = http.get(format!("{public_url}/v1/analyses/{id}?wait={WAIT_SECONDS}"));
                crowd.tally.wait(signed(poll)).await;
            }
        }
        let wanted = json!({ "contentType": "image/jpeg", "contentLength": 20_000 });
        crowd.tally.ask(signed(http.post(format!("{public_url}/v1/uploads"))).json(&wanted)).await;
        crowd.tally.ask(http.get(public_url)).await;
        sleep(PAUSE).await;
    }
}
