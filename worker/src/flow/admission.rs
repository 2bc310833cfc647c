//! Admission: decides which waiting job starts next, and at which instance. Pure: no I/O, no clock of its own. First
//! in, first out: the job at the head of the queue goes to the instance with the most free slots among those that a
//! lease allows. The order is that of the broker's deliveries, in which users take turns.

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
    /// Ticket of the job.
    pub ticket: Ticket,
    /// Instance that the job is sent to.
    pub instance: InstanceId,
    /// Lease on the instance that the job uses; `None` while limits are learned, since those are not shared.
    pub lease: Option<Lease>,
    /// True if Redis granted the lease; otherwise the lease only records that the slot is in use.
    pub granted: bool,
    /// True if the request brings this worker to its limit at the instance.
    pub full: bool,
}

/// Jobs of other replicas that wait for a lease, as far as this one knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Others {
    /// None waits.
    #[default]
    Idle,
    /// Some wait, and Redis gives them what it gets.
    Waiting,
    /// One was announced since the last exchange was built, whose reply may not know of it.
    Announced,
}

/// Queue, instances and leases of this worker.
#[derive(Debug, Default)]
pub struct Admission {
    instances: BTreeMap<InstanceId, Instance>,
    /// Waiting tickets in order of arrival at this worker, not of submission.
    waiting: VecDeque<Ticket>,
    /// Leases held by this replica that no job uses.
    spare: Vec<Lease>,
    used: BTreeSet<Lease>,
    returned: Vec<Ticket>,
    /// Capacity that this replica last announced to the others.
    offered: Vec<Offer>,
    /// Tickets that are queued in Redis too.
    announced: BTreeSet<Ticket>,
    /// Instances that accept jobs, with their shared names; requests at others only run out.
    live: BTreeMap<InstanceId, Name>,
    /// True while leases or tickets given back have not been reported to Redis.
    untold: bool,
    /// Jobs that have arrived since the last exchange.
    newcomers: usize,
    /// True if a job has started since the last exchange.
    started: bool,
    others: Others,
    /// True while Redis responds; without it nothing is shared.
    connected: bool,
}

impl Admission {
    /// Sets the instances that exist now; one that is gone accepts no more jobs.
    pub fn set_instances(&mut self, live: BTreeMap<InstanceId, Name>) {
        self.instances.retain(|id, instance| live.contains_key(id) || instance.in_flight() > 0);
        for id in live.keys() {
            self.instances.entry(*id).or_insert_with(Instance::new);
        }
        self.live = live;
    }

    /// Records the capacity that an instance reported before its first job.
    pub fn introduced(&mut self, id: InstanceId, signals: Signals) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.introduced(signals);
        }
    }

    /// Appends a job to the queue.
    pub fn join(&mut self, ticket: Ticket) {
        self.waiting.push_back(ticket);
        self.newcomers += 1;
    }

    /// Removes a job that has not started from the queue.
    pub fn leave(&mut self, ticket: &Ticket) {
        self.waiting.retain(|other| other != ticket);
        self.leave_line(ticket);
    }

    /// Takes the next job that may start off the queue; `None` if none may.
    pub fn next(&mut self, now: Instant) -> Option<Start> {
        self.waiting.front()?;
        let shared = self.is_shared();
        let (_, id, spare) = self
            .live_instances()
            .filter(|(_, _, instance)| instance.room(now, shared) > 0)
            .filter_map(|(id, name, instance)| {
                // An instance of unknown capacity gets one request as a probe, for which no lease is needed.
                let spare = if shared && instance.places(now).is_some() {
                    Some(self.spare.iter().position(|lease| lease.instance == *name)?)
                } else {
                    None
                };
                Some((instance.preference(now, shared), id, spare))
            })
            .max()?;
        self.started = true;
        let full = self.instances.get_mut(&id)?.started(shared);
        let lease = spare.map(|at| self.spare.swap_remove(at));
        // A lease goes to its own ticket first: a ticket that lent its lease would have no place in Redis's queue.
        let of_lease = lease.as_ref().and_then(|lease| self.at(&lease.ticket));
        let ticket = self.waiting.remove(of_lease.unwrap_or(0))?;
        let granted = lease.is_some();
        let lease = lease.or_else(|| self.own_lease(&ticket, id));
        self.used.extend(lease.clone());
        self.leave_line(&ticket);
        Some(Start { ticket, instance: id, lease, granted, full })
    }

    /// Records how a job's request ended; `true` if the instance is considered unavailable, so that a failure is not
    /// the job's. `jitter`, 0 to 1, spreads the probes of many workers.
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
            // The lease is reused for this replica's next job, without a round trip, while no other replica waits.
            if !start.granted || self.others != Others::Idle || !self.can_use(now, &lease.instance)
            {
                self.returned.push(lease.ticket.clone());
                self.untold = true;
            } else {
                self.spare.push(lease.clone());
            }
        }
        away
    }

    /// Leases held by this replica, used or spare.
    pub fn leases(&self) -> BTreeSet<Lease> {
        self.used.iter().chain(&self.spare).cloned().collect()
    }

    /// Limit of this worker's concurrent requests, summed over all instances.
    pub(crate) fn limit(&self) -> u32 {
        let shared = self.is_shared();
        self.live_instances().map(|(_, _, instance)| instance.limit(shared)).sum()
    }

    /// Requests of this worker in flight, summed over all instances.
    pub(crate) fn in_flight(&self) -> u32 {
        self.instances.values().map(Instance::in_flight).sum()
    }

    /// Every instance that accepts jobs or still works on some.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        self.instances.iter().map(|(id, instance)| (*id, instance))
    }

    /// Lease that records a job started without a grant, for the next exchange; `None` while limits are learned.
    fn own_lease(&self, ticket: &Ticket, instance: InstanceId) -> Option<Lease> {
        let instance = self.live.get(&instance).filter(|_| !self.is_learned())?.clone();
        Some(Lease { ticket: ticket.clone(), instance })
    }

    /// Position of a ticket in the queue.
    fn at(&self, ticket: &Ticket) -> Option<usize> {
        self.waiting.iter().position(|other| other == ticket)
    }

    fn live_instances(&self) -> impl Iterator<Item = (InstanceId, &Name, &Instance)> {
        self.live.iter().filter_map(|(id, name)| Some((*id, name, self.instances.get(id)?)))
    }

    /// Capacity of the instances that this replica can use now; empty while limits are learned.
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

    /// True if this replica could use a lease on the instance now.
    fn can_use(&self, now: Instant, instance: &Name) -> bool {
        self.is_shared()
            && self
                .live_instances()
                .any(|(_, name, known)| name == instance && known.places(now).is_some())
    }

    /// Withdraws a ticket from Redis's queue, so that it is granted nothing any more.
    fn leave_line(&mut self, ticket: &Ticket) {
        if self.announced.remove(ticket) {
            self.returned.push(ticket.clone());
            self.untold = true;
        }
    }

    /// Next time at which a job may start without a further event; `None` if none waits or no pause is running.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        self.live_instances().filter_map(|(_, _, instance)| instance.opens_at(now)).min()
    }

    /// True while leases are shared: Redis responds, and every instance reports its capacity. A learned limit is each
    /// replica's own.
    pub(crate) fn is_shared(&self) -> bool {
        self.connected && !self.is_learned()
    }

    fn is_learned(&self) -> bool {
        self.live_instances().any(|(_, _, instance)| instance.is_learned())
    }

    /// True if an exchange is due: a new job needs a lease, a lease was given back or has become useless, or the usable
    /// instances have changed while jobs wait.
    pub(crate) fn wants_exchange(&self, now: Instant) -> bool {
        let waiting = !self.waiting.is_empty();
        let useless = |lease: &Lease| !self.can_use(now, &lease.instance);
        self.untold && !self.returned.is_empty()
            || self.newcomers > 0 && waiting && !self.has_everything(now)
            || self.connected && waiting && self.offered != self.offers(now)
            || self.connected && self.spare.iter().any(useless)
            || self.others == Others::Announced && !self.spare.is_empty()
    }

    /// True if this replica holds every lease there is and no other waits. A new job then needs no exchange at once;
    /// the next one announces it.
    fn has_everything(&self, now: Instant) -> bool {
        let places: u32 = self.offers(now).iter().map(|offer| offer.places).sum();
        let held = self.used.len() + self.spare.len();
        self.is_shared() && self.others == Others::Idle && places > 0 && held >= whole(places)
    }

    /// True if the last exchange with Redis succeeded.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// True if jobs are queued.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Builds the next message to Redis, and marks its content as sent.
    pub fn exchange(&mut self, now: Instant) -> Exchange {
        // Spare leases go to the replicas that wait; our own waiting jobs have been started before this call. Nor does a
        // replica keep them that has had no job since the last exchange: each would be renewed for as long as it idles.
        let rests =
            !std::mem::take(&mut self.started) && self.waiting.is_empty() && self.used.is_empty();
        let keeps = self.others == Others::Idle && !rests;
        let (kept, useless): (Vec<Lease>, _) = std::mem::take(&mut self.spare)
            .into_iter()
            .partition(|lease| keeps && self.can_use(now, &lease.instance));
        self.spare = kept;
        self.returned.extend(useless.into_iter().map(|lease| lease.ticket));
        self.untold = false;
        if self.others == Others::Announced {
            self.others = Others::Waiting;
        }
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

    /// Applies the reply to an exchange.
    pub fn granted(&mut self, granted: Granted) {
        self.connected = true;
        // Leases that were kept because nobody else had waited are given back too.
        if self.others != Others::Announced {
            self.others = if granted.others_wait && self.spare.is_empty() {
                Others::Waiting
            } else if granted.others_wait {
                Others::Announced
            } else {
                Others::Idle
            };
        }
        for lease in granted.leases {
            self.grant(lease);
        }
    }

    /// Adds a lease granted to a ticket of this replica.
    pub fn grant(&mut self, lease: Lease) {
        self.announced.remove(&lease.ticket);
        if !self.used.contains(&lease) && !self.spare.contains(&lease) {
            self.spare.push(lease);
        }
    }

    /// Records that a job of another replica waits for a lease.
    pub fn wanted(&mut self) {
        self.others = Others::Announced;
    }

    /// True if this replica has nothing that Redis must be told of soon: no job, no lease.
    pub(crate) fn is_idle(&self) -> bool {
        self.connected && self.waiting.is_empty() && self.used.is_empty() && self.spare.is_empty()
    }

    /// Records that the exchange `told` failed and may not have been applied. The leases it gave back are given back
    /// again later, or expire.
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
