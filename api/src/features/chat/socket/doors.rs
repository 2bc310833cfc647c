//! What the Socket.IO server is built on.

use crate::features::accounts::AccountsState;
use crate::features::chat::state::ChatState;
use crate::http::identity::Authenticator;

/// What the server is built on. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::features::chat) struct Doors {
    pub(in crate::features::chat) chat: ChatState,
    pub(in crate::features::chat) accounts: AccountsState,
    pub(in crate::features::chat) authenticator: Authenticator,
}
