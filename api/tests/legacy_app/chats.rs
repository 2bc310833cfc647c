//! Chats as the app reads them.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack};

use super::failure;
use crate::people::{me, name};

async fn number(client: &Client) -> u64 {
    me(client).await["number"].as_u64().unwrap()
}

/// The data of an answer, which is also in an envelope inside it.
async fn data(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let request = client.request(method, path);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = client.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["success"]),
        (200, &json!(true)),
        "{answer:?}"
    );
    let data = answer.body["data"].clone();
    for (member, value) in data["data"].as_object().unwrap() {
        assert_eq!(&data[member], value, "{answer:?}");
    }
    data["data"].clone()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_app_opens_lists_reads_and_leaves_chats(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    name(&bob, "bob").await;
    let (a, b) = (number(&alice).await, number(&bob).await);
    // Whoever the body says it is.
    let open = json!({ "userId": b, "peerId": b });
    let room = data(&alice, Method::POST, "/api/chats", open).await["roomId"].as_u64().unwrap();
    let again = json!({ "userId": 1, "peerId": a });
    let opened = data(&bob, Method::POST, "/api/chats", again).await;
    assert_eq!(opened, json!({ "roomId": room }));
    let path = format!("/api/chats/{room}");

    let list = data(&alice, Method::GET, "/api/chats?cursor=0&limit=10", Value::Null).await;
    assert_eq!(
        (&list["nextCursor"], &list["hasNext"], &list["totalCount"]),
        (&json!(10), &json!(false), &json!(1))
    );
    let entry = &list["chatList"][0];
    assert_eq!(
        (&entry["chatRoomId"], &entry["partnerId"], &entry["partnerNickname"]),
        (&json!(room), &json!(b), &json!("bob"))
    );
    assert_eq!(
        (&entry["lastMessage"], &entry["lastSentAt"], &entry["unreadCount"]),
        (&json!(null), &json!(null), &json!(0))
    );
    assert!(entry["partnerProfileImageUrl"].as_str().unwrap().ends_with("default.jpg"));

    let rooms = bob.get("/v1/rooms").await.body;
    let messages = format!("/v1/rooms/{}/messages", rooms["items"][0]["id"].as_str().unwrap());
    for text in ["안녕", "hello"] {
        assert_eq!(bob.post(&messages, json!({ "text": text })).await.status, 201);
    }
    let list = data(&alice, Method::GET, "/api/chats", Value::Null).await;
    let entry = &list["chatList"][0];
    assert_eq!((&entry["lastMessage"], &entry["unreadCount"]), (&json!("hello"), &json!(2)));
    assert_eq!(entry["lastSentAt"].as_str().unwrap().len(), "2026-03-01T12:00:00".len());

    let read = data(&alice, Method::GET, &path, Value::Null).await;
    assert_eq!(read["partnerId"], b);
    let first = &read["messages"][0];
    let fields = ["messageId", "senderId", "content", "isRead", "isMine", "contentType"];
    let expected = [json!(1), json!(b), json!("안녕"), json!(true), json!(false), json!("TEXT")];
    assert_eq!(fields.map(|field| first[field].clone()), expected);
    assert_eq!(read["messages"].as_array().unwrap().len(), 2);
    let list = data(&alice, Method::GET, "/api/chats", Value::Null).await;
    assert_eq!(list["chatList"][0]["unreadCount"], 0, "reading marks them");
    let later = format!("{path}?lastSentAt=2099-01-01T00:00:00");
    assert_eq!(data(&alice, Method::GET, &later, Value::Null).await["messages"], json!([]));

    assert_eq!(data(&alice, Method::DELETE, &path, Value::Null).await, json!({}));
    let list = data(&alice, Method::GET, "/api/chats", Value::Null).await;
    assert_eq!((&list["chatList"], &list["totalCount"]), (&json!([]), &json!(0)));
    for (method, path) in
        [(Method::GET, &*path), (Method::DELETE, &path), (Method::GET, "/api/chats/x")]
    {
        let answer = alice.send(alice.request(method, path)).await;
        assert_eq!(failure(&answer), (404, "NOT_FOUND"));
    }
    for query in ["limit=0", "limit=101", "cursor=-1"] {
        let answer = alice.get(&format!("/api/chats?{query}")).await;
        assert_eq!(failure(&answer).0, 422, "{query}");
    }
}
