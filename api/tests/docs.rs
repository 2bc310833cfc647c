//! The page, the documentation and the health checks.

use sqlx::MySqlPool;
use toneup_testing::Stack;

#[sqlx::test(migrations = "../migrations")]
async fn the_openapi_document_names_every_route(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let document = api.anonymous().get("/openapi.json").await.body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut calls: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            calls.push(format!("{method} {path} {}", call["operationId"].as_str().unwrap()));
        }
    }
    calls.sort();
    insta::assert_snapshot!(calls.join("\n"), @r"
    delete /admin/products/{id} delete_product
    delete /api/chats/{chatRoomId} leave_chat
    delete /api/feeds/{feedId} delete_feed
    delete /api/my-diary/{diaryId} delete_diary
    delete /v1/analyses/{id} delete_analysis
    delete /v1/comments/{id} delete_comment
    delete /v1/comments/{id}/like unlike_comment
    delete /v1/diary/{id} delete_entry
    delete /v1/identities/{id} unlink_identity
    delete /v1/me delete_me
    delete /v1/me/picture delete_my_picture
    delete /v1/posts/{id} delete_post
    delete /v1/posts/{id}/like unlike_post
    delete /v1/products/{id}/like unlike_product
    delete /v1/push-subscriptions/{id} delete_push_subscription
    delete /v1/rooms/{id}/members/{userId} remove_member
    delete /v1/rooms/{id}/messages/{seq} delete_message
    delete /v1/rooms/{id}/picture delete_room_picture
    delete /v1/sessions revoke_sessions
    delete /v1/sessions/{id} revoke_session
    delete /v1/users/{id}/block unblock_user
    delete /v1/users/{id}/follow unfollow_user
    delete /v1/users/{id}/mute unmute_user
    delete /v1/webhooks/{id} delete_webhook
    get /.well-known/jwks.json get_key_set
    get /admin/actions list_actions
    get /admin/dead-letters list_dead_letters
    get /admin/jobs search_jobs
    get /admin/jobs/{id} get_job
    get /admin/overview get_overview
    get /admin/products/{id} get_stored_product
    get /admin/replicas list_replicas
    get /admin/reports list_reports
    get /admin/series get_series
    get /api/auto-complete complete_text
    get /api/chats list_chats
    get /api/chats/{chatRoomId} list_chat_messages
    get /api/feed/{feedId} get_feed_formerly
    get /api/feeds list_feeds
    get /api/feeds/like list_liked_feeds
    get /api/feeds/{feedId} get_feed
    get /api/my-diary list_diaries
    get /api/my-diary/{diaryId} get_diary
    get /api/product/like list_liked_products
    get /api/product/recommandation recommend_products_formerly
    get /api/product/recommandation/{colorType} recommend_products_of_season
    get /api/product/recommendation recommend_products
    get /api/products/like list_liked_products_of_app
    get /api/profiles/me get_own_profile
    get /api/profiles/{userId} get_profile
    get /api/rankingfeeds list_ranking_feeds
    get /api/search search_products
    get /healthz check_health
    get /pictures/default.jpg get_default_picture
    get /pictures/{owner}/{id}/{file} get_picture
    get /readyz check_readiness
    get /v1/analyses list_analyses
    get /v1/analyses/{id} get_analysis
    get /v1/analyses/{id}/events stream_analysis
    get /v1/comments/{id} get_comment
    get /v1/comments/{id}/likes list_likes_of_comment
    get /v1/comments/{id}/replies list_replies
    get /v1/diary list_entries
    get /v1/diary/{id} get_entry
    get /v1/events stream_events
    get /v1/feed list_home_feed
    get /v1/feed/liked list_liked_posts
    get /v1/feed/newest list_newest_posts
    get /v1/feed/ranking list_ranking
    get /v1/identities list_identities
    get /v1/me get_me
    get /v1/me/blocks list_blocks
    get /v1/me/deletion get_deletion
    get /v1/me/export export_me
    get /v1/me/mutes list_mutes
    get /v1/me/posts list_own_posts
    get /v1/notices list_notices
    get /v1/notification-settings get_settings
    get /v1/pictures/{id} get_picture_state
    get /v1/posts/{id} get_post
    get /v1/posts/{id}/comments list_comments
    get /v1/posts/{id}/likes list_likes_of_post
    get /v1/products/{id} get_product
    get /v1/products/{id}/similar list_similar
    get /v1/push-subscriptions list_push_subscriptions
    get /v1/push-subscriptions/vapid-key get_vapid_key
    get /v1/recommendations list_recommendations
    get /v1/rooms list_rooms
    get /v1/rooms/{id} get_room
    get /v1/rooms/{id}/members list_members
    get /v1/rooms/{id}/messages list_messages
    get /v1/search search
    get /v1/search/suggestions suggest
    get /v1/sessions list_sessions
    get /v1/sign-in/providers list_providers
    get /v1/sign-in/{provider} go_to_provider
    get /v1/sign-in/{provider}/callback receive_redirect
    get /v1/users find_users
    get /v1/users/{id} get_user
    get /v1/users/{id}/followers list_followers
    get /v1/users/{id}/following list_following
    get /v1/users/{id}/posts list_posts_of_user
    get /v1/webhooks list_webhooks
    get /v1/webhooks/secret get_callback_secret
    get /v1/webhooks/{id} get_webhook
    get /v1/webhooks/{id}/deliveries list_deliveries
    patch /api/profiles change_own_profile
    patch /api/profiles/image change_own_image
    patch /v1/comments/{id} change_comment
    patch /v1/diary/{id} change_entry
    patch /v1/me change_me
    patch /v1/posts/{id} change_post
    patch /v1/rooms/{id} change_room
    patch /v1/rooms/{id}/messages/{seq} edit_message
    patch /v1/webhooks/{id} change_webhook
    post /admin/dead-letters/drop drop_dead_letters
    post /admin/dead-letters/replay replay_dead_letters
    post /admin/jobs/{id}/cancel cancel_job
    post /admin/jobs/{id}/retry retry_job
    post /admin/replicas/{id}/drain drain_replica
    post /admin/reports/{id}/close close_report
    post /api/app/authorization authorize
    post /api/auth/refresh refresh_tokens
    post /api/chats open_chat
    post /api/feeds create_feed
    post /api/feeds/{feedId}/like toggle_feed_like
    post /api/friends toggle_friend
    post /api/my-diary create_diary
    post /api/oauth2/authorization authorize_formerly
    post /api/personalcolor analyze_personal_color
    post /api/products/{productId}/like toggle_product_like
    post /api/uploads/presigned-urls create_presigned_urls
    post /api/v1/feeds/{feedId}/report report_feed
    post /v1/analyses create_analysis
    post /v1/analyses/{id}/cancel cancel_analysis
    post /v1/diary create_entry
    post /v1/identities link_identity
    post /v1/notices/read read_notices
    post /v1/posts create_post
    post /v1/posts/{id}/comments create_comment
    post /v1/push-subscriptions create_push_subscription
    post /v1/reports create_report
    post /v1/rooms create_room
    post /v1/rooms/{id}/leave leave_room
    post /v1/rooms/{id}/messages send_message
    post /v1/rooms/{id}/messages/{seq}/report report_message
    post /v1/sessions create_session
    post /v1/sessions/guest create_guest_session
    post /v1/sessions/refresh refresh_session
    post /v1/sign-in/session fetch_session
    post /v1/sign-in/{provider} start_sign_in
    post /v1/sign-in/{provider}/callback receive_form
    post /v1/stream-tickets create_stream_ticket
    post /v1/uploads create_upload
    post /v1/webhooks create_webhook
    post /v1/webhooks/{id}/deliveries/{deliveryId}/redeliver redeliver_delivery
    post /v1/webhooks/{id}/ping ping_webhook
    post /v1/webhooks/{id}/rotate-secret rotate_secret
    put /admin/intake set_intake
    put /admin/products/{id} put_product
    put /api/feeds/{feedId} change_feed
    put /api/my-diary/{diaryId} change_diary
    put /v1/comments/{id}/like like_comment
    put /v1/me/picture set_my_picture
    put /v1/notification-settings put_settings
    put /v1/posts/{id}/like like_post
    put /v1/products/{id}/like like_product
    put /v1/rooms/{id}/members/{userId} invite_member
    put /v1/rooms/{id}/picture set_room_picture
    put /v1/rooms/{id}/read mark_room_read
    put /v1/users/{id}/block block_user
    put /v1/users/{id}/follow follow_user
    put /v1/users/{id}/mute mute_user
    ");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_documentation_loads_nothing_from_elsewhere(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let page = api.anonymous().get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger"), "{}", page.text);
    assert!(!page.text.contains("https://"), "{}", page.text);
    assert_eq!(api.anonymous().get("/docs/swagger-ui-bundle.js").await.status, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_page_is_served_with_a_strict_policy(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let page = api.anonymous().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let admin = api.anonymous().get("/admin").await;
    assert_eq!((admin.status.as_u16(), admin.header("content-security-policy")), (200, policy));
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(page.header("permissions-policy").contains("camera=()"), "{page:?}");
    assert_eq!(page.header("strict-transport-security"), "", "not by http");
    let script = api.anonymous().get("/assets/app.js").await;
    assert!(script.header("content-type").starts_with("text/javascript"), "{script:?}");
    let worker = api.anonymous().get("/service-worker.js").await;
    assert!(worker.header("content-type").starts_with("text/javascript"), "{worker:?}");
    assert_eq!(worker.header("content-security-policy"), policy);
    let app = api.anonymous().get("/app").await;
    assert_eq!((app.status.as_u16(), app.header("content-security-policy")), (200, policy));
    let manifest = api.anonymous().get("/assets/manifest.webmanifest").await;
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    let client = api.anonymous();
    let again = client.request(reqwest::Method::GET, "/assets/app.js");
    let again = again.header("if-none-match", script.header("etag"));
    assert_eq!(client.send(again).await.status, 304, "an unchanged file is not sent again");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_comes_in_the_persons_language(db: MySqlPool) {
    let client = Stack::new(db).await.api().await.anonymous();
    let ask = async |path: &str, language: &'static str, known: &str| {
        let request = client.request(reqwest::Method::GET, path);
        let request = request.header("accept-language", language).header("if-none-match", known);
        client.send(request).await
    };
    for (path, words) in [("/", "나는 어떤 계절일까요?"), ("/app", "본문으로 건너뛰기")]
    {
        let korean = ask(path, "ko-KR,ko;q=0.9,en;q=0.8", "").await;
        assert_eq!((korean.status.as_u16(), korean.header("content-language")), (200, "ko"));
        assert!(
            korean.text.contains("<html lang=\"ko\">") && korean.text.contains(words),
            "{path}"
        );
        let mut varies = korean.headers.get_all("vary").iter();
        assert!(varies.any(|value| value == "Accept-Language"), "{korean:?}");
        let tag = korean.header("etag");
        let unchanged = ask(path, "ko", tag).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.header("content-language")), (304, "ko"));
        assert_eq!(ask(path, "en", tag).await.status, 200, "other words");
        for language in ["en-GB", "fr", "de, ko;q=0"] {
            let english = ask(path, language, "").await;
            assert_eq!(english.header("content-language"), "en", "{language}");
            assert!(english.text.contains("Skip to the content"), "{path}, {language}");
        }
    }
    let words = client.get("/assets/words/ko.ftl").await;
    assert!(words.text.contains("language = ko"), "{words:?}");
    assert_eq!(
        client.get("/assets/index.html").await.status,
        404,
        "pages have their own addresses"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn readiness_tells_whether_hints_come(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    toneup_testing::eventually("ready, with hints", async || {
        let ready = api.anonymous().get("/readyz").await;
        (ready.status == 200 && ready.body["hints"] == true).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_client_is_served_beside_the_page(db: MySqlPool) {
    let client = Stack::new(db).await.api().await.anonymous();
    let index = client.get("/client/index.js").await;
    assert_eq!(index.status, 200);
    assert!(index.header("content-type").starts_with("text/javascript"), "{index:?}");
    for path in ["/client/package.json", "/client/../package.json", "/client/"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
}

#[test]
fn the_documented_photo_formats_are_those_of_the_list() {
    let list = include_str!("../../analyzer/app/vision/formats.json");
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let document = include_str!("../../docs/API.md");
    for photo in list["photos"].as_array().unwrap() {
        let names = |field: &str| {
            let names = photo[field].as_array().unwrap().iter();
            let names: Vec<String> = names.map(|n| format!("`{}`", n.as_str().unwrap())).collect();
            if names.is_empty() { "–".to_owned() } else { names.join(", ") }
        };
        let media_type = photo["mediaType"].as_str().unwrap();
        let row = format!("| `{media_type}` | {} | {} |", names("alsoSentAs"), names("extensions"));
        assert!(document.lines().any(|line| line == row), "docs/API.md lacks {row}");
    }
}
