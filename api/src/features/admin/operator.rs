//! The operator who asks. A handler that takes one cannot be reached by anybody else.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use toneup_shared::database::bounded;
use toneup_shared::operators::actions::{Action, Deed, record};

use crate::app::AppState;
use crate::http::extract::bearer;
use crate::http::limits::ClientAddress;
use crate::http::problem::ApiError;

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Operator {
    name: String,
    address: Option<IpAddr>,
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let name = state.tokens.verify_operator(bearer(parts)?)?;
        let address = ClientAddress::from_request_parts(parts, state).await;
        Ok(Self { name, address: address.ok().map(|ClientAddress(address)| address) })
    }
}

impl Operator {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What this operator asks for.
    pub(super) fn deed<'a>(
        &'a self,
        action: Action,
        target: &'a str,
        detail: Option<&'a str>,
    ) -> Deed<'a> {
        Deed { operator: &self.name, action, target, detail, address: self.address }
    }

    /// Writes down what this operator asks for, before it is done.
    pub(super) async fn note(
        &self,
        state: &AppState,
        action: Action,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), ApiError> {
        let deed = self.deed(action, target, detail);
        Ok(bounded(async { record(&mut *state.pool.acquire().await?, &deed).await }).await?)
    }
}
