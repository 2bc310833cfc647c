//! HTTP endpoints of conversations.

mod groups;
mod members;
mod messages;
mod rooms;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::ChatState;
use crate::http::identity::Authenticator;

/// The routes of conversations.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    ChatState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(rooms::create_room, rooms::list_rooms))
        .routes(routes!(rooms::get_room, rooms::change_room))
        .routes(routes!(rooms::leave_room))
        .routes(routes!(rooms::set_room_picture, rooms::delete_room_picture))
        .routes(routes!(rooms::mark_room_read))
        .routes(routes!(members::list_members))
        .routes(routes!(members::invite_member, members::remove_member))
        .routes(routes!(messages::list_messages, messages::send_message))
        .routes(routes!(messages::edit_message, messages::delete_message))
}
