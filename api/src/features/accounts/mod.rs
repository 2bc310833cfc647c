//! Who a caller is: guest users, access tokens, rotating refresh tokens and stream tickets.

pub mod routes;
mod store;
pub(crate) mod tickets;
pub mod token;

pub(crate) use store::rehearse;
use toneup_shared::analyses::UserId;

use crate::app::AppState;
use crate::http::problem::ApiError;

/// The load tests' user; made when this process first asks.
pub(crate) async fn load_tester(state: &AppState) -> Result<UserId, ApiError> {
    let made = state.load_tester.get_or_try_init(async || {
        store::insert_well_known(&mut *state.pool.acquire().await?, UserId::LOAD_TESTER).await
    });
    made.await?;
    Ok(UserId::LOAD_TESTER)
}
