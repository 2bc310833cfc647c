//! The operator who sends the request. A handler that takes one cannot be reached by anybody else.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use toneup_operate::actions::Actor;

use crate::http::client_address::{ClientAddress, TrustedProxies};
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
    TrustedProxies: FromRef<S>,
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

    /// The operator, as the audit log names one who uses the dashboard.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { operator: &self.name, address: self.address }
    }
}
