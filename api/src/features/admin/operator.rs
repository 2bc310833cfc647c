//! The operator who sends the request. A handler that takes one cannot be reached by anybody else.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use toneup_shared::database::bounded;
use toneup_shared::operators::actions::{Action, Deed, record};

use super::state::AdminState;
use crate::http::client_address::{ClientAddress, ProxyHeader};
use crate::http::identity::Authenticator;
use crate::http::problem::ApiError;

/// The operator's name and address.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    name: String,
    address: Option<IpAddr>,
}

impl<S: Send + Sync> FromRequestParts<S> for Operator
where
    Authenticator: FromRef<S>,
    ProxyHeader: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let name = Authenticator::from_ref(state).operator(parts)?;
        let address = ClientAddress::from_request_parts(parts, state).await;
        Ok(Self { name, address: address.ok().map(|ClientAddress(address)| address) })
    }
}

impl Operator {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Describes an action of this operator for the audit log.
    pub(super) fn audit_entry<'a>(
        &'a self,
        action: Action,
        target: &'a str,
        detail: Option<&'a str>,
    ) -> Deed<'a> {
        Deed { operator: &self.name, action, target, detail, address: self.address }
    }

    /// Records an action in the audit log, before it is carried out.
    pub(super) async fn record(
        &self,
        state: &AdminState,
        action: Action,
        target: &str,
        detail: Option<&str>,
    ) -> Result<(), ApiError> {
        let entry = self.audit_entry(action, target, detail);
        Ok(bounded(async { record(&mut *state.pool.acquire().await?, &entry).await }).await?)
    }
}
