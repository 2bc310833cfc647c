//! Who goes next, and where: the waiting jobs of this worker, its instances and its leases. Pure: no I/O, no clock of
//! its own. Whoever has been in line longest goes first, to the instance with the most free slots: the line keeps the
//! order of the broker, where jobs of many users take turns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::instance::{Ended, Instance};
use super::limit::Signals;
use super::sharing::{Exchange, Granted, Ticket};

/// Names an instance for as long as it is known.
pub(crate) type InstanceId = u64;

/// A job that may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its ticket.
    pub(crate) ticket: Ticket,
    /// Where it goes.
    pub(crate) instance: InstanceId,
    /// Its share of what all replicas may have there; `None` while nothing is shared.
    pub(crate) lease: Option<Ticket>,
    /// Whether it takes the last place that this worker has there.
    pub(crate) full: bool,
}

/// The state of admission.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    instances: BTreeMap<InstanceId, Instance>,
    /// In the order in which they joined, whenever they were submitted.
    waiting: VecDeque<Ticket>,
    /// Leases in our hands that no job uses.
    spare: Vec<Ticket>,
    used: BTreeSet<Ticket>,
    returned: Vec<Ticket>,
    /// Tickets that stand in line in Redis too.
    announced: BTreeSet<Ticket>,
    /// Instances that take jobs; others are only waited for.
    live: BTreeSet<InstanceId>,
    /// Whether there is something that the other replicas have not been told.
    untold: bool,
    others_wait: bool,
    /// Whether Redis answers; without it nothing is shared.
    connected: bool,
}

impl Admission {
    /// Takes note of the instances there are; those that are gone take no more jobs.
    pub(crate) fn set_instances(&mut self, ids: &BTreeSet<InstanceId>) {
        self.instances.retain(|id, instance| ids.contains(id) || instance.in_flight() > 0);
        self.live.clone_from(ids);
        for id in ids {
            self.instances.entry(*id).or_insert_with(Instance::new);
        }
    }

    /// An instance said what it has before it was given anything.
    pub(crate) fn introduced(&mut self, id: InstanceId, signals: Signals) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.introduced(signals);
        }
    }

    /// A job joins the line, behind all others.
    pub(crate) fn join(&mut self, ticket: Ticket) {
        self.waiting.push_back(ticket);
        self.untold = true;
    }

    /// A job leaves the line without having started.
    pub(crate) fn leave(&mut self, ticket: &Ticket) {
        self.waiting.retain(|other| other != ticket);
        self.leave_line(ticket);
    }

    /// The next job that may start, if any.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Start> {
        self.waiting.front()?;
        let shared = self.is_shared();
        if shared && self.spare.is_empty() {
            return None;
        }
        let (id, _) = self
            .instances
            .iter()
            .filter(|(id, instance)| self.live.contains(id) && instance.room(now) > 0)
            .max_by_key(|(_, instance)| instance.preference(now))?;
        let id = *id;
        let full = self.instances.get_mut(&id)?.started();
        let ticket = self.waiting.pop_front()?;
        let lease = if shared { self.spare.pop() } else { None };
        if let Some(lease) = &lease {
            self.used.insert(lease.clone());
        }
        self.leave_line(&ticket);
        Some(Start { ticket, instance: id, lease, full })
    }

    /// A job has ended its exchange; `true` if the instance is believed to be away, so that a failure was not the job's.
    pub(crate) fn ended(
        &mut self,
        now: Instant,
        start: &Start,
        elapsed: Duration,
        ended: Ended,
        jitter: f64,
    ) -> bool {
        let shared = self.is_shared();
        if let Some(lease) = &start.lease {
            self.used.remove(lease);
            // A lease serves the next job of ours, at no cost, while nobody else waits.
            if self.others_wait || !shared {
                self.returned.push(lease.clone());
                self.untold = true;
            } else {
                self.spare.push(lease.clone());
            }
        }
        let Some(instance) = self.instances.get_mut(&start.instance) else { return false };
        instance.ended(now, elapsed, ended, start.full, shared, jitter);
        instance.is_away()
    }

    /// Requests that this worker may have at all instances together.
    pub(crate) fn limit(&self) -> u32 {
        self.live_instances().map(Instance::limit).sum()
    }

    /// Requests that this worker has at all instances together.
    pub(crate) fn in_flight(&self) -> u32 {
        self.instances.values().map(Instance::in_flight).sum()
    }

    fn live_instances(&self) -> impl Iterator<Item = &Instance> + Clone {
        self.live.iter().filter_map(|id| self.instances.get(id))
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
        self.live_instances().filter_map(|instance| instance.opens_at(now)).min()
    }

    /// Leases are shared while Redis answers and every instance says what it has: a limit that is learned is each
    /// replica's own.
    fn is_shared(&self) -> bool {
        self.connected && self.live_instances().all(|instance| !instance.is_learned())
    }

    /// Whether there is something to tell the other replicas now: a job that waits, or a lease given back.
    pub(crate) fn wants_exchange(&self) -> bool {
        self.untold && (!self.returned.is_empty() || !self.waiting.is_empty())
    }

    /// Whether jobs wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What this replica says to the others.
    pub(crate) fn exchange(&mut self) -> Exchange {
        if self.others_wait || !self.is_shared() {
            // Idle leases are for whoever waits; a job of ours that waits uses one before this is called.
            self.returned.append(&mut self.spare);
        }
        self.untold = false;
        self.announced = self.waiting.iter().cloned().collect();
        let places = self.live_instances().map(Instance::places);
        Exchange {
            limit: places.clone().map(|places| places.unwrap_or(1)).sum(),
            known: places.clone().count() > 0 && places.clone().all(|places| places.is_some()),
            returned: self.returned.clone(),
            used: self.used.iter().chain(&self.spare).cloned().collect(),
            waiting: self.waiting.iter().cloned().collect(),
        }
    }

    /// What came back when `told` was said.
    pub(crate) fn granted(&mut self, told: &Exchange, granted: Granted) {
        self.connected = true;
        self.returned.retain(|ticket| !told.returned.contains(ticket));
        self.others_wait = granted.others_wait;
        for lease in granted.leases {
            self.grant(lease);
        }
    }

    /// A ticket of ours became a lease.
    pub(crate) fn grant(&mut self, lease: Ticket) {
        self.announced.remove(&lease);
        if !self.used.contains(&lease) && !self.spare.contains(&lease) {
            self.spare.push(lease);
        }
    }

    /// A job of another replica waits.
    pub(crate) fn wanted(&mut self) {
        self.others_wait = true;
    }

    /// Redis does not answer; what would have been given back is given back later, or expires.
    pub(crate) fn disconnected(&mut self) {
        const KEPT: usize = 1024;
        self.connected = false;
        self.returned.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn with_instances(count: u64) -> Admission {
        let mut admission = Admission::default();
        admission.set_instances(&(0..count).collect());
        admission
    }

    fn join(admission: &mut Admission, count: usize) {
        for number in 1..=count {
            admission.join(format!("me/{number}"));
        }
    }

    fn answered(slots: u32, free: u32) -> Ended {
        Ended::Answered(Some(Signals { slots, free, waited: Duration::ZERO, idle: None }))
    }

    fn grant(admission: &mut Admission, leases: &[&str], others_wait: bool) {
        let leases = leases.iter().map(|lease| (*lease).to_owned()).collect();
        let told = admission.exchange();
        admission.granted(&told, Granted { others_wait, leases });
    }

    #[test]
    fn whoever_has_been_in_line_longest_goes_first() {
        let (mut admission, now) = (with_instances(1), Instant::now());
        // Neither an older name nor an older job gets ahead of who came before.
        for ticket in ["me/9", "me/10", "me/1"] {
            admission.join(ticket.to_owned());
        }
        for expected in ["me/9", "me/10", "me/1"] {
            assert_eq!(admission.exchange().waiting[0], expected);
            let start = admission.next(now).unwrap();
            assert_eq!(start.ticket, expected);
            assert!(start.full);
            assert_eq!(admission.next(now), None, "one request until something is known");
            admission.ended(now, &start, SECOND, Ended::Abandoned, 0.0);
        }
    }

    #[test]
    fn without_a_lease_nothing_starts_while_leases_are_shared() {
        let (mut admission, now) = (with_instances(1), Instant::now());
        join(&mut admission, 2);
        assert!(admission.wants_exchange());
        grant(&mut admission, &[], false);
        assert_eq!(admission.next(now), None);
        assert!(!admission.wants_exchange(), "it has been said");
        assert_eq!(admission.exchange().waiting.len(), 2);
        grant(&mut admission, &["me/other"], false);
        assert_eq!(admission.next(now).unwrap().lease.as_deref(), Some("me/other"));
        assert_eq!(admission.exchange().returned.len(), 1, "its own ticket leaves the line");
    }

    #[test]
    fn a_lease_serves_the_next_job_while_nobody_else_waits() {
        let (mut admission, now) = (with_instances(1), Instant::now());
        join(&mut admission, 3);
        grant(&mut admission, &["me/a"], false);
        let start = admission.next(now).unwrap();
        admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
        let next = admission.next(now).unwrap();
        assert_eq!(next.lease.as_deref(), Some("me/a"));
        admission.wanted();
        admission.ended(now, &next, SECOND, answered(4, 4), 0.0);
        assert_eq!(admission.next(now), None);
        assert!(admission.exchange().returned.contains(&"me/a".to_owned()));
    }

    #[test]
    fn without_redis_the_instances_own_limits_remain() {
        let (mut admission, now) = (with_instances(1), Instant::now());
        join(&mut admission, 2);
        grant(&mut admission, &[], false);
        admission.disconnected();
        let start = admission.next(now).unwrap();
        assert_eq!(start.lease, None);
        assert_eq!(admission.next(now), None);
    }

    #[test]
    fn the_next_job_goes_to_the_freest_instance() {
        let (mut admission, now) = (with_instances(2), Instant::now());
        join(&mut admission, 4);
        let (first, second) = (admission.next(now).unwrap(), admission.next(now).unwrap());
        assert_ne!(first.instance, second.instance);
        admission.ended(now, &first, SECOND, answered(4, 1), 0.0);
        admission.ended(now, &second, SECOND, answered(4, 4), 0.0);
        assert_eq!(admission.next(now).unwrap().instance, second.instance);
        assert_eq!(admission.exchange().limit, 10);
    }

    #[test]
    fn an_instance_that_is_gone_takes_no_more_jobs_once_it_is_idle() {
        let (mut admission, now) = (with_instances(2), Instant::now());
        admission.set_instances(&BTreeSet::from([1]));
        join(&mut admission, 1);
        assert_eq!(admission.next(now).unwrap().instance, 1);
        assert_eq!(admission.limit(), 1);
    }
}
