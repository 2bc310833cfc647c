//! Order of starts, choice of instances, and the content of exchanges.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Instances named by their numbers.
fn named(ids: impl IntoIterator<Item = InstanceId>) -> BTreeMap<InstanceId, Name> {
    ids.into_iter().map(|id| (id, id.to_string())).collect()
}

fn with_instances(count: u64) -> Admission {
    let mut admission = Admission::default();
    admission.set_instances(named(0..count));
    admission
}

fn signals(slots: u32, free: u32) -> Signals {
    Signals { slots, free, waited: Duration::ZERO, idle: None }
}

/// With instances of four slots each.
fn introduced(count: u64) -> Admission {
    let mut admission = with_instances(count);
    for id in 0..count {
        admission.introduced(id, signals(4, 4));
    }
    admission
}

fn join(admission: &mut Admission, count: usize) {
    for number in 1..=count {
        admission.join(format!("me/{number}"));
    }
}

fn answered(slots: u32, free: u32) -> Ended {
    Ended::Answered(Some(signals(slots, free)))
}

/// A lease that ticket `ticket` became, at an instance.
fn lease(ticket: &str, instance: InstanceId) -> Lease {
    Lease { ticket: ticket.to_owned(), instance: instance.to_string() }
}

fn grant(admission: &mut Admission, leases: &[Lease], others_wait: bool) {
    admission.exchange(Instant::now());
    admission.granted(Granted { others_wait, leases: leases.to_vec() });
}

fn lose_redis(admission: &mut Admission) {
    let told = admission.exchange(Instant::now());
    admission.disconnected(told);
}

#[test]
fn jobs_start_in_order_of_arrival() {
    let (mut admission, now) = (with_instances(1), Instant::now());
    // Neither a smaller ticket nor an older job overtakes an earlier arrival.
    for ticket in ["me/9", "me/10", "me/1"] {
        admission.join(ticket.to_owned());
    }
    for expected in ["me/9", "me/10", "me/1"] {
        assert_eq!(admission.exchange(now).waiting[0], expected);
        let start = admission.next(now).unwrap();
        assert_eq!(start.ticket, expected);
        assert!(start.full);
        assert_eq!(admission.next(now), None, "one request until something is known");
        admission.ended(now, &start, SECOND, Ended::Abandoned, 0.0);
    }
}

#[test]
fn without_a_lease_nothing_starts_while_leases_are_shared() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 2);
    assert!(admission.wants_exchange(now));
    grant(&mut admission, &[], false);
    assert_eq!(admission.next(now), None);
    assert!(!admission.wants_exchange(now), "it has been said");
    assert_eq!(admission.exchange(now).waiting.len(), 2);
    grant(&mut admission, &[lease("me/other", 0)], false);
    assert_eq!(admission.next(now).unwrap().lease, Some(lease("me/other", 0)));
    assert_eq!(admission.exchange(now).returned.len(), 1, "its own ticket leaves the queue");
}

#[test]
fn a_lease_is_good_at_its_instance_only() {
    let (mut admission, now) = (introduced(2), Instant::now());
    join(&mut admission, 3);
    grant(&mut admission, &[lease("me/a", 1), lease("me/b", 1)], true);
    let (first, second) = (admission.next(now).unwrap(), admission.next(now).unwrap());
    assert_eq!((first.instance, second.instance), (1, 1), "however free the other is");
    assert_eq!(admission.next(now), None);
}

#[test]
fn a_lease_is_used_by_its_own_ticket_while_that_waits() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 3);
    grant(&mut admission, &[lease("me/2", 0)], true);
    assert_eq!(admission.next(now).unwrap().ticket, "me/2");
    grant(&mut admission, &[lease("me/2", 0), lease("me/kept", 0)], true);
    assert_eq!(admission.next(now).unwrap().ticket, "me/1");
}

#[test]
fn a_lease_at_an_instance_that_went_away_is_given_back_at_once() {
    let (mut admission, now) = (introduced(2), Instant::now());
    join(&mut admission, 1);
    grant(&mut admission, &[lease("me/a", 0), lease("me/b", 0), lease("me/c", 1)], false);
    let start = admission.next(now).unwrap();
    let left = lease(if start.instance == 0 { "me/c" } else { "me/a" }, 1 - start.instance);
    let away = admission.ended(now, &start, SECOND, Ended::Unreachable, 0.0);
    assert!(away && admission.wants_exchange(now));
    let told = admission.exchange(now);
    assert!(told.offers.iter().all(|(offer, _)| offer.instance == left.instance));
    assert!(told.used.iter().all(|kept| kept.instance == left.instance));
    assert!(told.returned.contains(&start.lease.unwrap().ticket));
}

#[test]
fn an_instance_that_is_away_is_asked_without_a_lease_and_then_offered_again() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 4);
    grant(&mut admission, &[lease("me/a", 0)], true);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, Ended::Unreachable, 0.0);
    grant(&mut admission, &[], true);
    assert_eq!(admission.next(now), None);
    let later = admission.opens_at(now).unwrap();
    let probe = admission.next(later).unwrap();
    assert!(!probe.granted);
    assert_eq!(admission.next(later), None);
    admission.ended(later, &probe, SECOND, answered(4, 4), 0.0);
    assert!(admission.wants_exchange(later), "there is more to choose from");
    assert_eq!(admission.exchange(later).offers.len(), 1);
    assert_eq!(admission.next(later), None, "from now on by lease");
}

#[test]
fn a_pause_is_no_offer_until_it_is_over() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 2);
    grant(&mut admission, &[lease("me/a", 0)], true);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, Ended::Busy(SECOND), 0.0);
    grant(&mut admission, &[], false);
    assert!(admission.offered.is_empty() && !admission.wants_exchange(now));
    assert!(admission.wants_exchange(admission.opens_at(now).unwrap()));
}

#[test]
fn places_that_change_are_news_once() {
    let (mut admission, now) = (introduced(1), Instant::now());
    let news = |told: &Exchange| told.offers.iter().map(|(_, news)| *news).collect::<Vec<_>>();
    assert_eq!(news(&admission.exchange(now)), [true]);
    assert_eq!(news(&admission.exchange(now)), [false]);
    lose_redis(&mut admission);
    assert_eq!(news(&admission.exchange(now)), [true], "it was not applied");
}

#[test]
fn a_lease_serves_the_next_job_while_no_other_replica_waits() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 3);
    grant(&mut admission, &[lease("me/a", 0)], false);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    let next = admission.next(now).unwrap();
    assert_eq!(next.lease, Some(lease("me/a", 0)));
    admission.wanted();
    admission.ended(now, &next, SECOND, answered(4, 4), 0.0);
    assert_eq!(admission.next(now), None);
    assert!(admission.exchange(now).returned.contains(&"me/a".to_owned()));
}

#[test]
fn who_has_every_place_tells_of_no_job_until_another_waits() {
    let (mut admission, now) = (introduced(1), Instant::now());
    let places = admission.exchange(now).offers[0].0.places;
    let leases: Vec<Lease> = (0..places).map(|number| lease(&format!("me/a{number}"), 0)).collect();
    grant(&mut admission, &leases[1..], false);
    join(&mut admission, 1);
    assert!(admission.wants_exchange(now), "there is a place that others may have");
    grant(&mut admission, &leases, false);
    while admission.next(now).is_some() {}
    admission.exchange(now);
    admission.join("me/later".to_owned());
    assert!(!admission.wants_exchange(now));
    assert_eq!(admission.exchange(now).waiting.last().unwrap(), "me/later", "told by the way");
    admission.join("me/latest".to_owned());
    admission.wanted();
    assert!(admission.wants_exchange(now));
}

#[test]
fn without_redis_the_instances_own_limits_remain() {
    let (mut admission, now) = (with_instances(1), Instant::now());
    join(&mut admission, 2);
    grant(&mut admission, &[], false);
    lose_redis(&mut admission);
    let start = admission.next(now).unwrap();
    assert!(!start.granted);
    assert_eq!(admission.next(now), None);
}

#[test]
fn who_loses_redis_goes_on_with_what_it_has() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 4);
    grant(&mut admission, &[lease("me/1", 0), lease("me/2", 0)], true);
    let first = admission.next(now).unwrap();
    admission.next(now).unwrap();
    assert_eq!((admission.next(now), admission.limit()), (None, 5));
    lose_redis(&mut admission);
    assert_eq!((admission.next(now), admission.limit()), (None, 2));
    lose_redis(&mut admission);
    admission.ended(now, &first, SECOND, answered(4, 1), 0.0);
    let third = admission.next(now).unwrap();
    assert_eq!(admission.limit(), 2, "as before, however often Redis does not answer");
    admission.ended(now, &third, SECOND, answered(4, 1), 0.0);
    assert_eq!(admission.limit(), 3, "a slot was free while we had all that we may");
}

#[test]
fn every_lease_can_be_used_as_soon_as_redis_returns() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 5);
    admission.next(now).unwrap();
    lose_redis(&mut admission);
    let granted: Vec<Lease> = ["me/2", "me/3", "me/4"].map(|ticket| lease(ticket, 0)).into();
    grant(&mut admission, &granted, false);
    let started: Vec<_> = std::iter::from_fn(|| admission.next(now)).collect();
    assert_eq!(started.len(), 3);
}

#[test]
fn what_started_without_redis_counts_when_it_returns() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 1);
    let start = admission.next(now).unwrap();
    assert!(!start.granted);
    assert_eq!(admission.exchange(now).used, [lease("me/1", 0)]);
    grant(&mut admission, &[], false);
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    let told = admission.exchange(now);
    assert_eq!((told.used.len(), told.returned), (0, vec!["me/1".to_owned()]));
}

#[test]
fn what_is_given_back_while_redis_is_being_told_is_given_back_next() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 1);
    grant(&mut admission, &[lease("me/1", 0)], false);
    // Redis has queued it again, since there was no free place for it yet.
    admission.exchange(now);
    let start = admission.next(now).unwrap();
    let told = admission.exchange(now);
    assert_eq!((told.returned, told.used.len()), (vec!["me/1".to_owned()], 1));
    admission.wanted();
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    admission.granted(Granted { others_wait: true, leases: vec![] });
    assert_eq!(admission.exchange(now).returned, ["me/1"]);
}

#[test]
fn what_was_given_back_in_vain_is_given_back_again() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 1);
    grant(&mut admission, &[lease("me/1", 0)], true);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    lose_redis(&mut admission);
    assert_eq!(admission.exchange(now).returned, ["me/1"]);
}

#[test]
fn what_is_learned_is_not_shared() {
    let (mut admission, now) = (introduced(2), Instant::now());
    join(&mut admission, 2);
    grant(&mut admission, &[lease("me/a", 0)], false);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, Ended::Answered(None), 0.0);
    let told = admission.exchange(now);
    assert_eq!((told.offers.len(), told.used.len()), (0, 0));
    assert_eq!(admission.next(now).unwrap().lease, None);
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
    let offers = admission.exchange(now).offers;
    assert_eq!(offers.iter().map(|(offer, _)| offer.places).sum::<u32>(), 10);
}

#[test]
fn an_instance_that_is_gone_takes_no_more_jobs_once_it_is_idle() {
    let (mut admission, now) = (with_instances(2), Instant::now());
    admission.set_instances(named([1]));
    join(&mut admission, 1);
    assert_eq!(admission.next(now).unwrap().instance, 1);
    assert_eq!(admission.limit(), 1);
}

#[test]
fn a_job_announced_during_an_exchange_is_not_forgotten_with_its_reply() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 1);
    grant(&mut admission, &[lease("me/1", 0)], false);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    // Redis answered before the other's job came, and the announcement overtakes the answer.
    admission.exchange(now);
    admission.wanted();
    admission.granted(Granted { others_wait: false, leases: Vec::new() });
    assert!(admission.wants_exchange(now), "an idle replica keeps a lease that others wait for");
    assert_eq!(admission.exchange(now).returned, ["me/1"]);
    admission.granted(Granted { others_wait: false, leases: Vec::new() });
    assert!(admission.is_idle() && !admission.wants_exchange(now));
}

#[test]
fn a_replica_without_jobs_keeps_its_leases_for_one_exchange_and_no_longer() {
    let (mut admission, now) = (introduced(1), Instant::now());
    join(&mut admission, 1);
    grant(&mut admission, &[lease("me/1", 0)], false);
    let start = admission.next(now).unwrap();
    admission.ended(now, &start, SECOND, answered(4, 4), 0.0);
    let told = admission.exchange(now);
    assert_eq!((told.returned.len(), told.used.len()), (0, 1), "the next job may come");
    admission.granted(Granted { others_wait: false, leases: Vec::new() });
    assert_eq!(admission.exchange(now).returned, ["me/1"]);
    assert!(admission.is_idle());
}
