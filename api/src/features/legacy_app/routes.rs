//! The routes of the legacy endpoints.

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settings::LegacyAppSettings;
use super::{authorization, friends, personal_color, products, profiles, uploads};
use crate::features::accounts::AccountsState;
use crate::features::analyses::{AnalysesState, photo_limit};
use crate::features::catalogue::CatalogueState;
use crate::features::people::PeopleState;
use crate::features::pictures::PicturesState;
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
    SignInState: FromRef<S>,
    PeopleState: FromRef<S>,
    PicturesState: FromRef<S>,
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
}
