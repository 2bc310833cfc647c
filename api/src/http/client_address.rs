//! The network address of the client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;

use super::problem::ApiError;

/// The header in which a trusted proxy names the client's address, if there is such a proxy. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ProxyHeader(Option<Arc<str>>);

impl ProxyHeader {
    /// Trusts the header of this name; `None` trusts the connection's own address only.
    pub fn new(name: Option<&str>) -> Self {
        Self(name.map(Arc::from))
    }
}

/// The address a request comes from: the connection's, or the one that a trusted proxy reports.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress
where
    ProxyHeader: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ProxyHeader(header) = ProxyHeader::from_ref(state);
        let named = header
            .and_then(|name| parts.headers.get(&*name))
            .and_then(|value| value.to_str().ok())
            // The last entry is the one our proxy added; those before it are the client's own words.
            .and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
        if let Some(address) = named {
            return Ok(Self(address));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|ConnectInfo(peer)| Self(peer.ip().to_canonical()))
            .ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the peer's address is not known")))
    }
}
