//! HTTP client of the api for tests.

use std::pin::Pin;

use eventsource_stream::{Event, Eventsource};
use futures_util::{Stream, StreamExt};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::stack::Running;

/// A client of the api, over real HTTP.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    api: Running,
    /// Response to the sign-in; null before.
    pub session: Value,
}

/// A response, read completely.
#[derive(Debug)]
pub struct Answer {
    /// Status of the response.
    pub status: StatusCode,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// Body as JSON; null if it is none.
    pub body: Value,
    /// Body as text, verbatim.
    pub text: String,
}

impl Answer {
    /// Returns the text of a header; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Status, code and fields of an error. Fails if the response is not a valid problem document (RFC 9457).
pub fn problem_of(answer: &Answer) -> (u16, String, Vec<String>) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    let body = &answer.body;
    assert_eq!(body["status"], answer.status.as_u16(), "{answer:?}");
    for member in ["type", "title", "detail", "traceId"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {answer:?}");
    }
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let fields = errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
    (answer.status.as_u16(), body["code"].as_str().unwrap().to_owned(), fields)
}

impl Client {
    pub(crate) fn anonymous(api: Running) -> Self {
        Self { http: crate::support::http(), api, session: Value::Null }
    }

    pub(crate) async fn guest(api: Running) -> Self {
        let mut client = Self::anonymous(api);
        let answer = client.post("/v1/sessions/guest", json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        client.session = answer.body;
        client
    }

    /// Creates a request with this client's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api.url));
        match self.session["accessToken"].as_str() {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the response.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the api answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is whole");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// Sends a GET request to a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a POST request with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// Identifier of the signed-in user.
    pub fn user(&self) -> &str {
        self.session["userId"].as_str().expect("a session")
    }

    /// Uploads a photo as a client does; returns its object key.
    pub async fn upload(&self, photo: Vec<u8>) -> String {
        let upload = json!({ "contentType": "image/jpeg", "contentLength": photo.len() });
        let signed = self.post("/v1/uploads", upload).await;
        assert_eq!(signed.status, StatusCode::CREATED, "{signed:?}");
        let stored = self.put(&signed.body, "image/jpeg", photo).await;
        assert_eq!(stored, StatusCode::OK);
        signed.body["objectKey"].as_str().unwrap().to_owned()
    }

    /// Sends the PUT of a presigned `upload`, with a type and a body of the test's choice.
    pub async fn put(&self, upload: &Value, content_type: &str, body: Vec<u8>) -> StatusCode {
        let mut request = self.http.put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            if name != "content-type" && name != "content-length" && name != "host" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.header(CONTENT_TYPE, content_type).body(body).send().await.unwrap().status()
    }

    /// Submits an analysis of an object; returns the accepted resource.
    pub async fn submit(&self, object_key: &str) -> Value {
        let answer = self.post("/v1/analyses", json!({ "objectKey": object_key })).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.body
    }

    /// Generates a key of this user's under which nothing was uploaded.
    pub fn unused_key(&self) -> String {
        format!("u/{}/nothing.jpg", self.user())
    }

    /// Opens a stream of server-sent events.
    pub async fn events(&self, path: &str, last_event_id: Option<&str>) -> Events {
        let mut request = self.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("the api answers");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let stream = response.bytes_stream().eventsource();
        Events(Box::pin(stream.map(|event| event.expect("a whole event"))))
    }
}

/// An open stream of server-sent events.
pub struct Events(Pin<Box<dyn Stream<Item = Event> + Send>>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Waits for the next event; returns its id and its analysis, or `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        let event = crate::stack::soon("an event", self.0.next()).await?;
        Some((event.id, serde_json::from_str(&event.data).unwrap_or_default()))
    }

    /// Waits for the next event; returns its kind, id and data, or `None` when the stream has ended.
    pub async fn next_of_any_kind(&mut self) -> Option<(String, String, Value)> {
        let event = crate::stack::soon("an event", self.0.next()).await?;
        Some((event.event, event.id, serde_json::from_str(&event.data).unwrap_or_default()))
    }

    /// Waits for the first analysis that satisfies `wanted`, and returns it with its event's id.
    pub async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> (String, Value) {
        loop {
            let (id, analysis) = self.next().await.expect("the stream goes on");
            if wanted(&analysis) {
                return (id, analysis);
            }
        }
    }
}
