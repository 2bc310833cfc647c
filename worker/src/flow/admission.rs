//! Who goes next, and where: the waiting jobs of this worker, its instances and its leases. Pure: no I/O, no clock of
//! its own. Whoever has been in line longest goes first, to the instance with the most free slots of those that a lease
//! allows: the line keeps the order of the broker, where jobs of many users take turns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::instance::{Ended, Instance};
use super::limit::Signals;
use super::sharing::{Exchange, Granted, Lease, Name, Offer, Ticket};

/// Names an instance for as long as it is known.
pub type InstanceId = u64;

/// A job that may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its ticket.
    pub ticket: Ticket,
    /// Where it goes.
    pub instance: InstanceId,
    /// Its share of what all replicas may have there; `None` where each learns by itself.
    pub lease: Option<Lease>,
    /// Whether that was granted: else it only counts.
    pub granted: bool,
    /// Whether it takes the last place that this worker has there.
    pub full: bool,
}

/// The state of admission.
#[derive(Debug, Default)]
pub struct Admission {
    instances: BTreeMap<InstanceId, Instance>,
    /// In the order in which they joined, whenever they were submitted.
    waiting: VecDeque<Ticket>,
    /// Leases in our hands that no job uses.
    spare: Vec<Lease>,
    used: BTreeSet<Lease>,
    returned: Vec<Ticket>,
    /// What the other replicas were last told that we can use.
    offered: Vec<Offer>,
    /// Tickets that stand in line in Redis too.
    announced: BTreeSet<Ticket>,
    /// Instances that take jobs, and what all replicas call them; others are only waited for.
    live: BTreeMap<InstanceId, Name>,
    /// Whether the other replicas have not been told of what is given back.
    untold: bool,
    /// Jobs that have come since they were last told of those that wait.
    newcomers: usize,
    others_wait: bool,
    /// Whether Redis answers; without it nothing is shared.
    connected: bool,
}

impl Admission {
    /// Takes note of the instances there are; those that are gone take no more jobs.
    pub fn set_instances(&mut self, live: BTreeMap<InstanceId, Name>) {
        self.instances.retain(|id, instance| live.contains_key(id) || instance.in_flight() > 0);
        for id in live.keys() {
            self.instances.entry(*id).or_insert_with(Instance::new);
        }
        self.live = live;
    }

    /// An instance said what it has before it was given anything.
    pub fn introduced(&mut self, id: InstanceId, signals: Signals) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.introduced(signals);
        }
    }

    /// A job joins the line, behind all others.
    pub fn join(&mut self, ticket: Ticket) {
        self.waiting.push_back(ticket);
        self.newcomers += 1;
    }

    /// A job leaves the line without having started.
    pub fn leave(&mut self, ticket: &Ticket) {
        self.waiting.retain(|other| other != ticket);
        self.leave_line(ticket);
    }

    /// The next job that may start, if any.
    pub fn next(&mut self, now: Instant) -> Option<Start> {
        self.waiting.front()?;
        let shared = self.is_shared();
        let (_, id, spare) = self
            .live_instances()
            .filter(|(_, _, instance)| instance.room(now, shared) > 0)
            .filter_map(|(id, name, instance)| {
                // Where nothing is known, or nobody was, one request finds out: of that there is nothing to share.
                let spare = if shared && instance.places(now).is_some() {
                    Some(self.spare.iter().position(|lease| lease.instance == *name)?)
                } else {
                    None
                };
                Some((instance.preference(now, shared), id, spare))
            })
            .max()?;
        let full = self.instances.get_mut(&id)?.started(shared);
        let lease = spare.map(|at| self.spare.swap_remove(at));
        // A lease is for its own ticket: one that lent it would have no place in Redis's line until it is given back.
        let of_lease = lease.as_ref().and_then(|lease| self.at(&lease.ticket));
        let ticket = self.waiting.remove(of_lease.unwrap_or(0))?;
        let granted = lease.is_some();
        let lease = lease.or_else(|| self.own_lease(&ticket, id));
        self.used.extend(lease.clone());
        self.leave_line(&ticket);
        Some(Start { ticket, instance: id, lease, granted, full })
    }

    /// A job has ended its exchange; `true` if the instance is believed to be away, so that a failure was not the job's.
    pub fn ended(
        &mut self,
        now: Instant,
        start: &Start,
        elapsed: Duration,
        ended: Ended,
        jitter: f64,
    ) -> bool {
        let shared = self.is_shared();
        let mut away = false;
        if let Some(instance) = self.instances.get_mut(&start.instance) {
            instance.ended(now, elapsed, ended, start.full, shared, jitter);
            away = instance.is_away();
        }
        if let Some(lease) = &start.lease {
            self.used.remove(lease);
            // A lease serves the next job of ours, at no cost, while nobody else waits.
            if !start.granted || self.others_wait || !self.can_use(now, &lease.instance) {
                self.returned.push(lease.ticket.clone());
                self.untold = true;
            } else {
                self.spare.push(lease.clone());
            }
        }
        away
    }

    /// Leases that this replica holds, used or spare.
    pub fn leases(&self) -> BTreeSet<Lease> {
        self.used.iter().chain(&self.spare).cloned().collect()
    }

    /// Requests that this worker may have at all instances together.
    pub(crate) fn limit(&self) -> u32 {
        let shared = self.is_shared();
        self.live_instances().map(|(_, _, instance)| instance.limit(shared)).sum()
    }

    /// Requests that this worker has at all instances together.
    pub(crate) fn in_flight(&self) -> u32 {
        self.instances.values().map(Instance::in_flight).sum()
    }

    /// Every instance that takes jobs, or is still at some.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        self.instances.iter().map(|(id, instance)| (*id, instance))
    }

    /// What a job that starts without being granted a lease counts as, once Redis can be told; nothing, where each replica
    /// learns by itself.
    fn own_lease(&self, ticket: &Ticket, instance: InstanceId) -> Option<Lease> {
        let instance = self.live.get(&instance).filter(|_| !self.is_learned())?.clone();
        Some(Lease { ticket: ticket.clone(), instance })
    }

    /// Where a ticket stands in line.
    fn at(&self, ticket: &Ticket) -> Option<usize> {
        self.waiting.iter().position(|other| other == ticket)
    }

    fn live_instances(&self) -> impl Iterator<Item = (InstanceId, &Name, &Instance)> {
        self.live.iter().filter_map(|(id, name)| Some((*id, name, self.instances.get(id)?)))
    }

    /// What this replica can use of what is shared.
    fn offers(&self, now: Instant) -> Vec<Offer> {
        let offer = |(_, name, instance): (InstanceId, &Name, &Instance)| {
            Some(Offer { instance: name.clone(), places: instance.places(now)? })
        };
        if self.is_learned() {
            Vec::new()
        } else {
            self.live_instances().filter_map(offer).collect()
        }
    }

    /// Whether a lease there is of use to this replica.
    fn can_use(&self, now: Instant, instance: &Name) -> bool {
        self.is_shared()
            && self
                .live_instances()
                .any(|(_, name, known)| name == instance && known.places(now).is_some())
    }

    /// A ticket that waits in Redis too must not be granted there any more.
    fn leave_line(&mut self, ticket: &Ticket) {
        if self.announced.remove(ticket) {
            self.returned.push(ticket.clone());
            self.untold = true;
        }
    }

    /// When a job may start without anything else happening.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        self.live_instances().filter_map(|(_, _, instance)| instance.opens_at(now)).min()
    }

    /// Leases are shared while Redis answers and every instance says what it has: a limit that is learned is each
    /// replica's own.
    pub(crate) fn is_shared(&self) -> bool {
        self.connected && !self.is_learned()
    }

    fn is_learned(&self) -> bool {
        self.live_instances().any(|(_, _, instance)| instance.is_learned())
    }

    /// Whether there is something to tell the other replicas now: a job that waits for what they have, a lease given back
    /// or of no use to us, or another choice of instances for those that wait.
    pub(crate) fn wants_exchange(&self, now: Instant) -> bool {
        let waiting = !self.waiting.is_empty();
        let useless = |lease: &Lease| !self.can_use(now, &lease.instance);
        self.untold && !self.returned.is_empty()
            || self.newcomers > 0 && waiting && !self.has_everything(now)
            || self.connected && waiting && self.offered != self.offers(now)
            || self.connected && self.spare.iter().any(useless)
    }

    /// Whether every place is in our hands and nobody else waits for one: then a job that waits costs no round trip. It is
    /// told of with the next exchange all the same.
    fn has_everything(&self, now: Instant) -> bool {
        let places: u32 = self.offers(now).iter().map(|offer| offer.places).sum();
        let held = self.used.len() + self.spare.len();
        self.is_shared() && !self.others_wait && places > 0 && held >= whole(places)
    }

    /// Whether Redis answered last.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether jobs wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What this replica says to the others.
    pub fn exchange(&mut self, now: Instant) -> Exchange {
        // Idle leases are for whoever waits; a job of ours that waits uses one before this is called.
        let (kept, useless): (Vec<Lease>, _) = std::mem::take(&mut self.spare)
            .into_iter()
            .partition(|lease| !self.others_wait && self.can_use(now, &lease.instance));
        self.spare = kept;
        self.returned.extend(useless.into_iter().map(|lease| lease.ticket));
        self.untold = false;
        self.newcomers = 0;
        self.announced = self.waiting.iter().cloned().collect();
        let offers = self.offers(now);
        let told = std::mem::replace(&mut self.offered, offers.clone());
        let with_news = |offer: Offer| {
            let news = !told.contains(&offer);
            (offer, news)
        };
        Exchange {
            offers: offers.into_iter().map(with_news).collect(),
            returned: std::mem::take(&mut self.returned),
            used: self.used.iter().chain(&self.spare).cloned().collect(),
            waiting: self.waiting.iter().cloned().collect(),
        }
    }

    /// What came back from an exchange.
    pub fn granted(&mut self, granted: Granted) {
        self.connected = true;
        self.others_wait = granted.others_wait;
        for lease in granted.leases {
            self.grant(lease);
        }
    }

    /// A ticket of ours became a lease.
    pub fn grant(&mut self, lease: Lease) {
        self.announced.remove(&lease.ticket);
        if !self.used.contains(&lease) && !self.spare.contains(&lease) {
            self.spare.push(lease);
        }
    }

    /// A job of another replica waits.
    pub fn wanted(&mut self) {
        self.others_wait = true;
    }

    /// Redis does not answer: it may not have heard what was `told`. What was given back is given back later, or expires.
    pub fn disconnected(&mut self, told: Exchange) {
        const KEPT: usize = 1024;
        if std::mem::take(&mut self.connected) {
            self.instances.values_mut().for_each(Instance::alone);
        }
        self.offered.clear();
        self.returned.extend(told.returned);
        self.returned.truncate(KEPT);
    }
}

fn whole(places: u32) -> usize {
    usize::try_from(places).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
