//! Protection of webhooks against server-side request forgery. Users name the addresses that this server then connects
//! to: without a guard they could reach what only this server can.
//!
//! Names are resolved once, every address is checked, and the connection goes to a checked one, so that an answer of the
//! DNS that changes in between helps nobody.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::features::notifications::lanes::Addresses;

/// IPv4 networks that are not public (IANA's special-purpose registry), with multicast and class E.
const NOT_PUBLIC: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; clouds serve their metadata here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// IPv6 addresses are public within this network only. Outside lie loopback, mapped, NAT64, local, multicast.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Exceptions from it: protocols (Teredo among them), documentation, and 6to4, which wraps any IPv4 address.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Returns true if an address is reachable from the public internet, so that a webhook grants its owner no additional
/// access.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let within = |(network, length)| {
                Ipv4Net::new(network, length).is_ok_and(|network| network.contains(&address))
            };
            !NOT_PUBLIC.into_iter().any(within)
        }
        IpAddr::V6(address) => {
            let within = |(network, length)| {
                Ipv6Net::new(network, length).is_ok_and(|network| network.contains(&address))
            };
            within(GLOBAL_V6) && !NOT_PUBLIC_V6.into_iter().any(within)
        }
    }
}

/// Top-level names that the public DNS never has (RFC 6761, 6762, 7686, 8375, 9476; ICANN for `internal`).
const NOT_IN_DNS: [&str; 8] =
    ["alt", "arpa", "internal", "invalid", "local", "localhost", "onion", "test"];

/// Returns true if a name can have a public address: several labels, below an existing top-level domain.
fn may_be_public(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let top = name.rsplit_once('.').map(|(_, top)| top);
    top.is_some_and(|top| !NOT_IN_DNS.iter().any(|never| top.eq_ignore_ascii_case(never)))
}

/// Hosts and networks that the operator allows although they are not public, or not reached by https.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    names: Arc<[String]>,
    networks: Arc<[IpNet]>,
}

/// The text is no list of host names, addresses and networks.
#[derive(Debug, thiserror::Error)]
#[error("expected host names, addresses or networks, separated by commas")]
pub struct ParseHostsError;

impl FromStr for AllowedHosts {
    type Err = ParseHostsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut names, mut networks) = (Vec::new(), Vec::new());
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            if let Ok(network) = entry.parse::<IpNet>() {
                networks.push(network);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                networks.push(address.into());
            } else if let Ok(Host::Domain(name)) = Host::parse(entry) {
                names.push(name);
            } else {
                return Err(ParseHostsError);
            }
        }
        Ok(Self { names: names.into(), networks: networks.into() })
    }
}

impl AllowedHosts {
    fn allows_name(&self, name: &str) -> bool {
        self.names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Checks what can be checked of a URL without asking the DNS.
    pub(in crate::features::notifications) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let (listed, reachable) = match url.host() {
            None => return Err(Refusal::Scheme),
            Some(Host::Domain(name)) => {
                let listed = self.allows_name(name);
                (listed, listed || may_be_public(name))
            }
            Some(Host::Ipv4(address)) => self.judge(address.into()),
            Some(Host::Ipv6(address)) => self.judge(address.into()),
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && listed);
        if !secure {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        if reachable { Ok(()) } else { Err(Refusal::NotPublic) }
    }

    fn judge(&self, address: IpAddr) -> (bool, bool) {
        let listed = self.networks.iter().any(|network| network.contains(&address));
        (listed, self.allows_address(address))
    }
}

/// Reason for which a webhook's URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::features::notifications) enum Refusal {
    /// Neither https nor listed.
    #[error("expected an https URL")]
    Scheme,
    /// User and password in the URL.
    #[error("expected a URL without user and password")]
    Credentials,
    /// A private address, or another that is not everybody's.
    #[error("the host has no public address")]
    NotPublic,
}

/// Finds the addresses of a name.
pub(in crate::features::notifications) type Lookup = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>
        + Send
        + Sync,
>;

/// The system's way of finding addresses.
pub(in crate::features::notifications) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    })
}

/// Resolves names to addresses that are allowed. A name with one address that is not has none.
pub(super) struct GuardedResolver {
    pub(super) allowed: AllowedHosts,
    pub(super) lookup: Lookup,
    /// Learns where names lead to.
    pub(super) addresses: Addresses,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, looking) = (self.allowed.clone(), (self.lookup)(name.as_str().to_owned()));
        let addresses = self.addresses.clone();
        Box::pin(async move {
            let found = looking.await?;
            if let Some(first) = found.first() {
                addresses.note(name.as_str(), first.ip());
            }
            let is_allowed = |address: &SocketAddr| allowed.allows_address(address.ip());
            if !allowed.allows_name(name.as_str()) && !found.iter().all(is_allowed) {
                return Err(Refusal::NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &str, url: &str) -> Result<(), Refusal> {
        allowed.parse::<AllowedHosts>().unwrap().check(&url.parse().unwrap())
    }

    const PRIVATE: &str = "\
        0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 \
        169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 \
        192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 \
        240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1 \
        64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 \
        2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 3fff::1 \
        5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1";
    const PUBLIC: &str = "\
        1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 \
        128.0.0.1 169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 198.17.255.255 \
        198.20.0.0 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001:82a::200e \
        2001:4860:4860::8888";

    #[test]
    fn addresses_that_are_not_everybodys_are_not_public() {
        for address in PRIVATE.split(' ') {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in PUBLIC.split(' ') {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_url_leads_to_a_public_host_by_https() {
        for url in ["https://hooks.example/a?b=c", "https://hooks.example:8443/", "https://1.1.1.1"]
        {
            assert_eq!(check("", url), Ok(()), "{url}");
        }
        for url in ["http://hooks.example/", "ftp://hooks.example/", "file:///etc/passwd"] {
            assert_eq!(check("", url), Err(Refusal::Scheme), "{url}");
        }
        assert_eq!(check("", "https://user:word@hooks.example"), Err(Refusal::Credentials));
    }

    #[test]
    fn an_address_is_recognised_however_it_is_written() {
        let spellings = [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://１２７.0.0.1/",
        ];
        for url in spellings {
            assert_eq!(check("", url), Err(Refusal::NotPublic), "{url}");
        }
    }

    #[test]
    fn a_name_that_no_public_dns_has_is_refused_at_once() {
        let names = [
            "localhost",
            "LOCALHOST.",
            "api.localhost",
            "rabbitmq",
            "printer.local",
            "db.internal",
            "router.home.arpa",
            "x.onion",
        ];
        for name in names {
            assert_eq!(check("", &format!("https://{name}/")), Err(Refusal::NotPublic), "{name}");
            assert_eq!(check("localhost", "http://localhost:9/"), Ok(()));
        }
        assert_eq!(check("", "https://local.example./"), Ok(()));
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_else() {
        let allowed = "10.1.0.0/16, 127.0.0.1, ::1, hooks.internal";
        for url in
            ["http://10.1.2.3/", "http://127.0.0.1:9/", "https://[::1]/", "http://HOOKS.internal"]
        {
            assert_eq!(check(allowed, url), Ok(()), "{url}");
        }
        for url in ["https://10.2.0.1/", "https://127.0.0.2/"] {
            assert_eq!(check(allowed, url), Err(Refusal::NotPublic), "{url}");
        }
        assert_eq!(check(allowed, "http://other.internal"), Err(Refusal::Scheme));
        assert!("10.1.0.0/40".parse::<AllowedHosts>().is_err());
        assert!("http://hooks.internal".parse::<AllowedHosts>().is_err());
    }
}
