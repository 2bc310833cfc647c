//! The doors of the app that exists, which speaks an older dialect. They hold no logic of their own: each maps its call
//! onto the same submit, wait and upload as `/v1`, and [`envelope`] writes every answer under `/api`, errors included.

pub(crate) mod envelope;
mod personal_color;
mod uploads;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::features::analyses;

/// The door without a token is there only where it is wanted.
pub(crate) fn routes(state: &AppState) -> OpenApiRouter<AppState> {
    let mut photos = OpenApiRouter::new().routes(routes!(personal_color::analyze_personal_color));
    if state.config.server.app_test_door {
        photos = photos.routes(routes!(personal_color::test_personal_color));
    }
    photos.layer(analyses::routes::photo_limit()).routes(routes!(uploads::create_presigned_urls))
}

/// Whether a path belongs to the app's dialect, whatever is there.
pub(crate) fn owns(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_under_api_speaks_the_apps_dialect() {
        assert!(owns("/api") && owns("/api/personalcolor") && owns("/api/nothing/here"));
        assert!(!owns("/apis") && !owns("/v1/api/x") && !owns("/"));
    }
}
