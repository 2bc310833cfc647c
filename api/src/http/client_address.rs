//! The network address of the client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::{IpNet, Ipv6Net};

use super::problem::ApiError;

/// The proxies in front that are trusted to say where a request comes from. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Option<Arc<Header>>);

#[derive(Debug)]
struct Header {
    name: String,
    hops: usize,
}

impl TrustedProxies {
    /// Trusts the last `hops` entries of this header, over all its lines: each proxy adds the address that it was called
    /// from. `None` trusts the connection's own address alone.
    pub fn new(header: Option<&str>, hops: u8) -> Self {
        let name = header.map(str::to_ascii_lowercase);
        Self(name.map(|name| Arc::new(Header { name, hops: usize::from(hops.max(1)) })))
    }

    /// The address that the outermost trusted proxy was called from. What comes before it is the client's own word.
    fn named(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let Header { name, hops } = &**self.0.as_ref()?;
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let entry = entries.get(entries.len().checked_sub(*hops)?)?;
        parse(if name == "forwarded" { forwarded_for(entry)? } else { entry })
    }
}

/// `for` of an element of `Forwarded` (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without a port, brackets around one of IPv6 or not.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// The address a request comes from: the connection's, or the one that a trusted proxy reports.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The network that limits count by: an address of IPv4; of IPv6 the /64, all of which one subscriber has.
    pub fn network(self) -> IpNet {
        const SUBSCRIBER: u8 = 64;
        match self.0 {
            IpAddr::V4(_) => self.0.into(),
            IpAddr::V6(address) => {
                let network = Ipv6Net::new(address, SUBSCRIBER).map(|network| network.trunc());
                network.map_or_else(|_| self.0.into(), IpNet::V6)
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress
where
    TrustedProxies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Some(address) = TrustedProxies::from_ref(state).named(&parts.headers) {
            return Ok(Self(address));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|ConnectInfo(peer)| Self(peer.ip().to_canonical()))
            .ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the peer's address is not known")))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn named(header: &'static str, hops: u8, lines: &[&str]) -> Option<String> {
        let name = HeaderName::from_static(header);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_str(line).unwrap());
        }
        let named = TrustedProxies::new(Some(header), hops).named(&headers);
        named.map(|address| address.to_string())
    }

    #[test]
    fn the_entry_of_the_outermost_trusted_proxy_counts_over_all_lines() {
        let read = |hops, lines: &[&str]| named("x-forwarded-for", hops, lines);
        // The client's own line comes first, the proxy's after it.
        assert_eq!(read(1, &["1.1.1.1", "9.9.9.9"]).unwrap(), "9.9.9.9");
        assert_eq!(read(1, &["1.1.1.1, 9.9.9.9"]).unwrap(), "9.9.9.9");
        assert_eq!(read(2, &["1.1.1.1, 9.9.9.9", "10.0.0.1"]).unwrap(), "9.9.9.9");
        assert_eq!(read(1, &["9.9.9.9:4711"]).unwrap(), "9.9.9.9");
        assert_eq!(read(1, &["[2001:db8::1]:443"]).unwrap(), "2001:db8::1");
        assert_eq!(read(1, &["::ffff:9.9.9.9"]).unwrap(), "9.9.9.9");
        // Whoever came past a proxy, or says nothing of use, is known by the connection.
        for (hops, lines) in [(2, &["9.9.9.9"][..]), (1, &[]), (1, &["9.9.9.9, unknown"])] {
            assert_eq!(read(hops, lines), None, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        let read = |hops, lines: &[&str]| named("forwarded", hops, lines);
        let line = "for=1.1.1.1;proto=https, By=203.0.113.1;For=\"[2001:db8::17]:4711\"";
        assert_eq!(read(1, &[line]).unwrap(), "2001:db8::17");
        assert_eq!(read(2, &[line]).unwrap(), "1.1.1.1");
        assert_eq!(read(1, &["for=_hidden"]), None);
    }

    #[test]
    fn one_subscriber_is_one_network() {
        let network = |text: &str| ClientAddress(text.parse().unwrap()).network().to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }
}
