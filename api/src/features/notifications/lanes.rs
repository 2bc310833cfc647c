//! Sharing the lanes of a replica: whoever is slow, or pretends to be many, delays only their own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use toneup_notify::targets::Target;
use toneup_platform::identity::UserId;

use crate::http::client_address::ClientAddress;

/// Targets sent to at once by this replica.
pub(super) const LANES: usize = 64;

/// Group of targets with a limited number of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Share {
    /// All targets of one user.
    User(UserId),
    /// All targets at one address, whatever their names: a wildcard has any number of those.
    Address(IpNet),
    /// All targets whose names were not resolved yet.
    Unresolved,
    /// All targets that failed last time.
    Failing,
}

impl Share {
    /// Lanes that it may have.
    fn most(self) -> usize {
        match self {
            Self::User(_) => LANES / 8,
            Self::Address(_) | Self::Failing => LANES / 4,
            Self::Unresolved => LANES / 2,
        }
    }
}

/// Network location of a target, as far as it matters to the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// All at one service, which takes any number.
    Common,
    /// At a known IP address.
    At(IpAddr),
    /// At a name that was not resolved yet.
    Unresolved,
}

/// The shares that a target counts towards.
pub(super) fn shares(target: &Target, place: Place) -> Vec<Share> {
    let mut shares = vec![Share::User(target.user)];
    match place {
        Place::Common => {}
        Place::At(address) => shares.push(Share::Address(ClientAddress(address).network())),
        Place::Unresolved => shares.push(Share::Unresolved),
    }
    if target.failing_since.is_some() {
        shares.push(Share::Failing);
    }
    shares
}

/// Lanes in use. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<Share, usize>>>);

/// A share has no lane free.
#[derive(Debug)]
pub(super) struct Full;

/// A lane, free again when dropped.
#[derive(Debug)]
pub(super) struct Lane {
    shares: Vec<Share>,
    lanes: Lanes,
}

impl Lanes {
    /// Takes a lane of each share, or of none.
    pub(super) fn enter(&self, shares: Vec<Share>) -> Result<Lane, Full> {
        let mut used = self.lock();
        let is_full = |share: &Share| used.get(share).is_some_and(|lanes| *lanes >= share.most());
        if shares.iter().any(is_full) {
            return Err(Full);
        }
        for share in &shares {
            *used.entry(*share).or_default() += 1;
        }
        drop(used);
        Ok(Lane { shares, lanes: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Share, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut used = self.lanes.lock();
        for share in &self.shares {
            if let Some(lanes) = used.get_mut(share) {
                *lanes -= 1;
                if *lanes == 0 {
                    used.remove(share);
                }
            }
        }
    }
}

/// The addresses that names led to last time. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<String, IpAddr>>>);

impl Addresses {
    /// Names that are known at once; beyond, all are forgotten, and learned again.
    const MOST: usize = 10_000;

    /// Notes where a name led to.
    pub(super) fn note(&self, name: &str, address: IpAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST && !known.contains_key(name) {
            known.clear();
        }
        known.insert(name.to_ascii_lowercase(), address);
    }

    /// Returns the location of a URL's host.
    pub(super) fn place(&self, url: &str) -> Place {
        let url = url.parse::<url::Url>().ok();
        match url.as_ref().and_then(url::Url::host) {
            Some(url::Host::Ipv4(address)) => Place::At(address.into()),
            Some(url::Host::Ipv6(address)) => Place::At(address.into()),
            Some(url::Host::Domain(name)) => {
                let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                known.get(&name.to_ascii_lowercase()).map_or(Place::Unresolved, |ip| Place::At(*ip))
            }
            None => Place::Unresolved,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use toneup_notify::TargetId;
    use uuid::Uuid;

    use super::*;

    fn target(user: u128, failing: bool) -> Target {
        Target {
            id: TargetId(Uuid::now_v7()),
            user: UserId(Uuid::from_u128(user)),
            address: String::new(),
            secrets: None,
            description: None,
            events: None,
            failing_since: failing.then(OffsetDateTime::now_utc),
            disabled_at: None,
            disabled_reason: None,
            created_at: OffsetDateTime::now_utc(),
        }
    }

    /// Lanes that so many targets get, of users that have ten each.
    fn taken(lanes: &Lanes, targets: u128, failing: bool, place: Place) -> Vec<Lane> {
        let target = |number: u128| target(number / 10, failing);
        (0..targets).filter_map(|it| lanes.enter(shares(&target(it), place)).ok()).collect()
    }

    #[test]
    fn many_names_at_one_address_leave_lanes_to_the_others() {
        let (lanes, addresses) = (Lanes::default(), Addresses::default());
        let url = |number: u128| format!("https://{number}.evil.example/");
        assert_eq!(addresses.place(&url(1)), Place::Unresolved);
        let first = taken(&lanes, 70, false, addresses.place(&url(1)));
        assert_eq!(first.len(), LANES / 2, "while nothing is known of them");
        drop(first);
        addresses.note("1.EVIL.example", [192, 0, 2, 1].into());
        let place = addresses.place(&url(1));
        let later = taken(&lanes, 70, false, place);
        assert_eq!(later.len(), LANES / 4);
        let honest = Place::At([198, 51, 100, 1].into());
        assert!(lanes.enter(shares(&target(99, false), honest)).is_ok());
    }

    #[test]
    fn a_users_receivers_and_those_that_fail_have_their_share_and_leave_nothing_behind() {
        let lanes = Lanes::default();
        let own: Vec<Lane> = (0..20)
            .filter_map(|last| {
                let place = Place::At([192, 0, 2, last].into());
                lanes.enter(shares(&target(1, false), place)).ok()
            })
            .collect();
        assert_eq!(own.len(), LANES / 8);
        let failing: Vec<Lane> = (2..60)
            .filter_map(|user| lanes.enter(shares(&target(user, true), Place::Common)).ok())
            .collect();
        assert_eq!(failing.len(), LANES / 4);
        drop((own, failing));
        assert!(lanes.lock().is_empty());
    }
}
