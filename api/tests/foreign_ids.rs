//! Every route, called with another user's ids. The OpenAPI document, which the router fills, names the routes; one that is
//! not in the table fails the test.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, make_pictures};

use crate::people::me;

/// Expected treatment of another user's ids by a route.
enum Case {
    /// It takes none.
    NoId,
    /// Its path names something that is nobody's.
    PublicName,
    /// The ids in its path are somebody else's: 404, as if there were nothing. With this body.
    NotFound(Value),
    /// Its body names an object of somebody else's: refused with this status.
    Refused(u16, Value),
    /// It is about another user by its nature, and answers with this status.
    AboutOthers(u16, Value),
}

use Case::{AboutOthers, NoId, NotFound, PublicName, Refused};

/// Things of one user.
struct Things {
    /// The values of path parameters, by the path's part before them.
    ids: BTreeMap<&'static str, String>,
    /// An upload.
    key: String,
    /// The user's public number.
    number: u64,
    /// The user.
    user: String,
}

/// Operations that take no id.
const WITHOUT_IDS: &[&str] = &[
    "post /v1/sessions",
    "get /v1/sessions",
    "delete /v1/sessions",
    "get /v1/identities",
    "post /v1/identities",
    "get /v1/sign-in/providers",
    "post /v1/sign-in/session",
    "post /api/app/authorization",
    "post /api/oauth2/authorization",
    "post /api/auth/refresh",
    "post /v1/sessions/guest",
    "post /v1/sessions/refresh",
    "post /v1/stream-tickets",
    "post /v1/uploads",
    "get /v1/analyses",
    "get /v1/events",
    "get /v1/webhooks",
    "get /v1/webhooks/secret",
    "post /v1/webhooks",
    "get /v1/push-subscriptions",
    "post /v1/push-subscriptions",
    "get /v1/push-subscriptions/vapid-key",
    "get /v1/me",
    "patch /v1/me",
    "delete /v1/me",
    "get /v1/me/deletion",
    "get /v1/me/export",
    "get /v1/me/blocks",
    "get /v1/me/mutes",
    "get /v1/me/posts",
    "get /v1/diary",
    "get /v1/feed",
    "get /v1/feed/liked",
    "get /v1/feed/newest",
    "get /v1/feed/ranking",
    "get /api/feeds/like",
    "get /api/rankingfeeds",
    "get /api/my-diary",
    "get /v1/notices",
    "get /v1/notification-settings",
    "put /v1/notification-settings",
    "delete /v1/me/picture",
    "get /v1/users",
    "get /v1/rooms",
    "get /api/chats",
    "post /api/personalcolor",
    "post /api/uploads/presigned-urls",
    "get /api/profiles/me",
    "get /v1/recommendations",
    "get /v1/search",
    "get /v1/search/suggestions",
    "get /api/search",
    "get /api/auto-complete",
    "get /api/product/recommendation",
    "get /api/product/recommandation",
    "get /api/product/like",
    "get /api/products/like",
];

/// The table.
fn case(operation: &str, theirs: &Things) -> Option<Case> {
    let key = &theirs.key;
    let none = || NotFound(Value::Null);
    let user = |status| AboutOthers(status, Value::Null);
    Some(match operation {
        _ if WITHOUT_IDS.contains(&operation) => NoId,

        "get /v1/sign-in/{provider}"
        | "post /v1/sign-in/{provider}"
        | "get /v1/sign-in/{provider}/callback"
        | "post /v1/sign-in/{provider}/callback"
        // Products are everybody's.
        | "get /v1/products/{id}"
        | "get /v1/products/{id}/similar"
        | "put /v1/products/{id}/like"
        | "delete /v1/products/{id}/like"
        | "post /api/products/{productId}/like"
        | "get /api/product/recommandation/{colorType}" => PublicName,

        "post /v1/analyses" | "put /v1/me/picture" => Refused(422, json!({ "objectKey": key })),
        "patch /api/profiles" | "patch /api/profiles/image" => {
            Refused(422, json!({ "profileImageUrl": key }))
        }

        "get /v1/analyses/{id}"
        | "delete /v1/analyses/{id}"
        | "get /v1/analyses/{id}/events"
        | "post /v1/analyses/{id}/cancel"
        | "get /v1/webhooks/{id}"
        | "delete /v1/webhooks/{id}"
        | "post /v1/webhooks/{id}/ping"
        | "post /v1/webhooks/{id}/rotate-secret"
        | "get /v1/webhooks/{id}/deliveries"
        | "post /v1/webhooks/{id}/deliveries/{deliveryId}/redeliver"
        | "delete /v1/push-subscriptions/{id}"
        | "delete /v1/sessions/{id}"
        | "delete /v1/identities/{id}"
        | "get /v1/pictures/{id}" => none(),
        "patch /v1/webhooks/{id}" => NotFound(json!({ "enabled": false })),

        "get /v1/users/{id}"
        | "get /v1/users/{id}/followers"
        | "get /v1/users/{id}/following"
        | "get /api/profiles/{userId}" => user(200),
        "put /v1/users/{id}/follow"
        | "delete /v1/users/{id}/follow"
        | "put /v1/users/{id}/block"
        | "delete /v1/users/{id}/block"
        | "put /v1/users/{id}/mute"
        | "delete /v1/users/{id}/mute" => user(204),
        // Passed over.
        "post /v1/notices/read" => {
            AboutOthers(204, json!({ "ids": [theirs.ids["/v1/analyses/"]] }))
        }
        "post /api/friends" => AboutOthers(200, json!({ "targetUserId": theirs.number })),
        _ => return case_of_rooms(operation, theirs).or_else(|| case_of_posts(operation, theirs)),
    })
}

/// The part of the table that is about posts, diaries and comments. Posts are for all.
fn case_of_posts(operation: &str, theirs: &Things) -> Option<Case> {
    let key = &theirs.key;
    let entry = |text: &str| json!({ "title": "x", "content": text, "imageUrls": [key] });
    Some(match operation {
        "post /v1/posts" => Refused(422, post(key)),
        "post /v1/diary" => {
            let mut entry = post(key);
            entry["title"] = json!("theirs");
            Refused(422, entry)
        }
        "delete /v1/posts/{id}"
        | "get /v1/diary/{id}"
        | "delete /v1/diary/{id}"
        | "delete /v1/comments/{id}"
        | "get /api/my-diary/{diaryId}"
        | "delete /api/my-diary/{diaryId}" => NotFound(Value::Null),
        "patch /v1/posts/{id}" | "patch /v1/diary/{id}" | "patch /v1/comments/{id}" => {
            NotFound(json!({ "text": "mine" }))
        }
        "put /api/my-diary/{diaryId}" => NotFound(entry("mine")),
        "post /v1/posts/{id}/comments" => AboutOthers(201, json!({ "text": "said" })),
        "get /v1/posts/{id}"
        | "get /v1/posts/{id}/likes"
        | "put /v1/posts/{id}/like"
        | "delete /v1/posts/{id}/like"
        | "get /v1/users/{id}/posts"
        | "get /v1/posts/{id}/comments"
        | "get /v1/comments/{id}"
        | "get /v1/comments/{id}/replies"
        | "get /v1/comments/{id}/likes"
        | "put /v1/comments/{id}/like"
        | "delete /v1/comments/{id}/like"
        | "get /api/feeds"
        | "get /api/feeds/{feedId}"
        | "get /api/feed/{feedId}"
        | "post /api/feeds/{feedId}/like" => AboutOthers(200, Value::Null),
        "post /v1/reports" => {
            let id = &theirs.ids["/v1/posts/"];
            AboutOthers(201, json!({ "kind": "post", "id": id, "reason": "spam" }))
        }
        "post /api/v1/feeds/{feedId}/report" => AboutOthers(200, json!({ "reason": "spam" })),
        "post /api/feeds" | "post /api/my-diary" => Refused(422, entry("x")),
        "put /api/feeds/{feedId}" => Refused(403, entry("mine")),
        "delete /api/feeds/{feedId}" => Refused(403, Value::Null),
        _ => return None,
    })
}

/// A post about an upload.
fn post(key: &str) -> Value {
    json!({ "text": "a post", "pictures": [{ "objectKey": key }] })
}

/// The table of conversations.
fn case_of_rooms(operation: &str, theirs: &Things) -> Option<Case> {
    let key = &theirs.key;
    let none = || NotFound(Value::Null);
    Some(match operation {
        "get /v1/rooms/{id}"
        | "post /v1/rooms/{id}/leave"
        | "delete /v1/rooms/{id}/picture"
        | "get /v1/rooms/{id}/members"
        | "put /v1/rooms/{id}/members/{userId}"
        | "delete /v1/rooms/{id}/members/{userId}"
        | "get /v1/rooms/{id}/messages"
        | "delete /v1/rooms/{id}/messages/{seq}"
        | "get /api/chats/{chatRoomId}"
        | "delete /api/chats/{chatRoomId}" => none(),
        "patch /v1/rooms/{id}" => NotFound(json!({ "name": "mine", "muted": true })),
        "put /v1/rooms/{id}/picture" => NotFound(json!({ "objectKey": key })),
        "put /v1/rooms/{id}/read" => NotFound(json!({})),
        "post /v1/rooms/{id}/messages" | "patch /v1/rooms/{id}/messages/{seq}" => {
            NotFound(json!({ "text": "x" }))
        }
        "post /v1/rooms/{id}/messages/{seq}/report" => NotFound(json!({ "reason": "spam" })),
        // The room that `/api/chats` has opened.
        "post /v1/rooms" => AboutOthers(200, json!({ "userId": theirs.user })),
        "post /api/chats" => {
            AboutOthers(200, json!({ "peerId": theirs.number, "userId": theirs.number }))
        }
        _ => return None,
    })
}

/// Makes one of everything.
async fn things(db: &MySqlPool, client: &Client) -> Things {
    let key = client.upload(b"a photo".to_vec()).await;
    let analysis = client.submit(&key).await;
    let created = async |path: &str, body: Value| {
        let answer = client.post(path, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let webhook = created("/v1/webhooks", json!({ "url": "https://hooks.example/me" })).await;
    let ping = client.post(&format!("/v1/webhooks/{webhook}/ping"), json!({})).await;
    assert_eq!(ping.status, 202, "{ping:?}");
    let picture = client.request(Method::PUT, "/v1/me/picture");
    let picture = client.send(picture.json(&json!({ "objectKey": key }))).await;
    assert_eq!(picture.status, 202, "{picture:?}");
    let public = created("/v1/posts", post(&key)).await;
    let mut entry = post(&key);
    entry["title"] = json!("an entry");
    let entry = created("/v1/diary", entry).await;
    make_pictures(db).await;
    let comment = created(&format!("/v1/posts/{public}/comments"), json!({ "text": "mine" })).await;
    let number_of = async |list: &str| {
        client.get(list).await.body["items"][0]["number"].as_u64().unwrap().to_string()
    };
    let id = |body: &Value| body["id"].as_str().unwrap().to_owned();
    let number = me(client).await["number"].as_u64().unwrap();
    let room = client.post("/v1/rooms", json!({ "name": "mine" })).await;
    assert_eq!(room.status, 201, "{room:?}");
    let said = format!("/v1/rooms/{}/messages", id(&room.body));
    assert_eq!(client.post(&said, json!({ "text": "hello" })).await.status, 201);
    let ids = BTreeMap::from([
        ("/v1/rooms/", id(&room.body)),
        ("/members/", client.user().to_owned()),
        ("/messages/", "1".to_owned()),
        ("/api/chats/", room.body["number"].as_u64().unwrap().to_string()),
        ("/v1/analyses/", id(&analysis)),
        ("/v1/webhooks/", webhook),
        ("/deliveries/", id(&ping.body)),
        ("/v1/pictures/", id(&picture.body)),
        ("/v1/users/", client.user().to_owned()),
        ("/v1/posts/", public.clone()),
        ("/v1/diary/", entry),
        ("/v1/comments/", comment),
        ("/api/v1/feeds/", number_of("/v1/me/posts").await),
        ("/api/feeds/", number_of("/v1/me/posts").await),
        ("/api/feed/", number_of("/v1/me/posts").await),
        ("/api/my-diary/", number_of("/v1/diary").await),
        ("/api/profiles/", number.to_string()),
        // None is configured in tests: an id that could be one.
        ("/v1/push-subscriptions/", id(&analysis)),
        ("/v1/identities/", id(&analysis)),
        ("/v1/sessions/", client.session["sessionId"].as_str().unwrap().to_owned()),
    ]);
    Things { ids, key, number, user: client.user().to_owned() }
}

/// Fills a path's parameters.
fn fill(path: &str, things: &Things) -> String {
    let mut filled = path.to_owned();
    while let Some(begin) = filled.find('{') {
        let end = filled[begin..].find('}').unwrap() + begin;
        let before = &filled[..begin];
        let ids = things.ids.iter().filter(|(part, _)| before.ends_with(*part));
        let (_, id) = ids.max_by_key(|(part, _)| part.len()).unwrap_or_else(|| panic!("{path}"));
        filled = format!("{before}{id}{}", &filled[end + 1..]);
    }
    filled
}

/// All that the owner sees of the things.
async fn seen(client: &Client, things: &Things) -> Vec<Value> {
    let mut seen = Vec::new();
    for part in [
        "/v1/analyses/",
        "/v1/webhooks/",
        "/v1/pictures/",
        "/v1/posts/",
        "/v1/diary/",
        "/v1/rooms/",
    ] {
        let answer = client.get(&format!("{part}{}", things.ids[part])).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut thing = answer.body;
        // Where it stands in line is known about a second later, and that nobody hears the webhook;
        // everybody may comment.
        for moving in ["queuePosition", "estimatedWaitSeconds", "failingSince", "comments"] {
            thing.as_object_mut().unwrap().remove(moving);
        }
        seen.push(thing);
    }
    seen.push(me(client).await["nickname"].clone());
    seen
}

#[sqlx::test(migrations = "../migrations")]
async fn no_route_does_anything_with_another_users_things(db: MySqlPool) {
    let api = Stack::new(db.clone()).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let theirs = things(&db, &alice).await;
    let before = seen(&alice, &theirs).await;
    let document = api.anonymous().get("/openapi.json").await.body;
    let mut called = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/v1/") && !path.starts_with("/api/") {
            continue;
        }
        for method in operations.as_object().unwrap().keys().rev() {
            let operation = format!("{method} {path}");
            let case = case(&operation, &theirs);
            let case = case.unwrap_or_else(|| panic!("add {operation} to the table"));
            let (expected, body) = match case {
                NoId => {
                    assert!(!path.contains('{'), "{operation} takes an id");
                    continue;
                }
                PublicName => continue,
                NotFound(body) => (404, body),
                Refused(status, body) | AboutOthers(status, body) => (status, body),
            };
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = bob.request(method, &fill(path, &theirs));
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = bob.send(request).await;
            assert_eq!(answer.status, expected, "{operation}: {answer:?}");
            called += 1;
        }
    }
    assert!(called >= 25, "{called} routes take ids");
    assert_eq!(seen(&alice, &theirs).await, before, "and nothing of it has changed");
}
