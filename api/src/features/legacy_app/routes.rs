//! The routes of the legacy endpoints.

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settings::LegacyAppSettings;
use super::{
    authorization, chats, diary, feeds, friends, personal_color, posts, products, profiles,
    reports, uploads,
};
use crate::features::accounts::AccountsState;
use crate::features::analyses::{AnalysesState, photo_limit};
use crate::features::catalogue::CatalogueState;
use crate::features::chat::ChatState;
use crate::features::likes::LikesState;
use crate::features::people::PeopleState;
use crate::features::pictures::PicturesState;
use crate::features::posts::PostsState;
use crate::features::reports::ReportsState;
use crate::features::sign_in::SignInState;
use crate::features::uploads::UploadsState;
use crate::http::client_address::TrustedProxies;
use crate::http::identity::Authenticator;

/// Everything at and below this path speaks the legacy dialect.
pub(crate) const PREFIX: &str = "/api";

/// The legacy endpoints; the one without a token only where it is configured.
pub(crate) fn routes<S>(settings: LegacyAppSettings) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AccountsState: FromRef<S>,
    AnalysesState: FromRef<S>,
    CatalogueState: FromRef<S>,
    ChatState: FromRef<S>,
    SignInState: FromRef<S>,
    PeopleState: FromRef<S>,
    LikesState: FromRef<S>,
    PicturesState: FromRef<S>,
    PostsState: FromRef<S>,
    ReportsState: FromRef<S>,
    UploadsState: FromRef<S>,
    Authenticator: FromRef<S>,
    TrustedProxies: FromRef<S>,
{
    let mut photos = OpenApiRouter::new().routes(routes!(personal_color::analyze_personal_color));
    if settings.test_endpoint {
        photos = photos.routes(routes!(personal_color::test_personal_color));
    }
    photos
        .layer(photo_limit())
        .routes(routes!(uploads::create_presigned_urls))
        .routes(routes!(authorization::authorize))
        .routes(routes!(authorization::authorize_formerly))
        .routes(routes!(authorization::refresh_tokens))
        .routes(routes!(profiles::get_own_profile))
        .routes(routes!(profiles::get_profile))
        .routes(routes!(profiles::change_own_profile))
        .routes(routes!(profiles::change_own_image))
        .routes(routes!(friends::toggle_friend))
        .routes(routes!(products::recommend_products))
        .routes(routes!(products::recommend_products_formerly))
        .routes(routes!(products::recommend_products_of_season))
        .routes(routes!(products::search_products))
        .routes(routes!(products::complete_text))
        .routes(routes!(products::toggle_product_like))
        .routes(routes!(products::list_liked_products))
        .routes(routes!(products::list_liked_products_of_app))
        .routes(routes!(feeds::list_feeds, posts::create_feed))
        .routes(routes!(posts::get_feed, posts::change_feed, posts::delete_feed))
        .routes(routes!(posts::get_feed_formerly))
        .routes(routes!(posts::toggle_feed_like))
        .routes(routes!(feeds::list_liked_feeds))
        .routes(routes!(feeds::list_ranking_feeds))
        .routes(routes!(reports::report_feed))
        .routes(routes!(diary::list_diaries, diary::create_diary))
        .routes(routes!(diary::get_diary, diary::change_diary, diary::delete_diary))
        .routes(routes!(chats::open_chat, chats::list_chats))
        .routes(routes!(chats::list_chat_messages, chats::leave_chat))
}
