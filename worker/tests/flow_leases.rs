//! Analyzer leases that replicas share in a real Redis: who is granted which, and in which order.

use toneup_platform::config::RedisConfig;
use toneup_worker::flow::sharing::{Exchange, Granted, Lease, Offer, Sharing, Ticket};

/// Replicas that share one Redis prefix.
struct Replicas(RedisConfig);

/// State sent by a replica; every offer counts as changed.
#[derive(Default)]
struct Sent<'a> {
    can_use: &'a [(&'a str, u32)],
    returned: &'a [&'a Ticket],
    used: &'a [&'a Lease],
    waiting: &'a [&'a Ticket],
}

impl Replicas {
    fn new() -> Self {
        Self(toneup_testing::redis())
    }

    fn replica(&self) -> Sharing {
        Sharing::new(&self.0).unwrap()
    }
}

/// Sends a replica's state, and returns its grant.
async fn exchange(replica: &Sharing, sent: Sent<'_>) -> Granted {
    let owned = |tickets: &[&Ticket]| tickets.iter().map(|t| (*t).clone()).collect();
    let offer =
        |(name, places): &(&str, u32)| Offer { instance: (*name).to_owned(), places: *places };
    let exchange = Exchange {
        offers: sent.can_use.iter().map(|said| (offer(said), true)).collect(),
        returned: owned(sent.returned),
        used: sent.used.iter().map(|lease| (*lease).clone()).collect(),
        waiting: owned(sent.waiting),
    };
    replica.exchange(&exchange).await.unwrap()
}

fn lease(ticket: &Ticket, instance: &str) -> Lease {
    Lease { ticket: ticket.clone(), instance: instance.to_owned() }
}

const ONE: &[(&str, u32)] = &[("a", 1)];

#[tokio::test]
async fn all_replicas_together_hold_no_more_leases_than_an_instance_has_places() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (a, b, c) = (one.ticket(1), one.ticket(2), two.ticket(1));
    let can_use = &[("a", 2)];
    let granted = exchange(&one, Sent { can_use, waiting: &[&a, &b], ..Sent::default() }).await;
    assert_eq!(granted.leases, [lease(&a, "a"), lease(&b, "a")]);
    let refused = exchange(&two, Sent { can_use, waiting: &[&c], ..Sent::default() }).await;
    assert_eq!(refused, Granted { others_wait: false, leases: vec![] });
    let used = &[&granted.leases[0], &granted.leases[1]];
    let renewed = exchange(&one, Sent { can_use, used, ..Sent::default() }).await;
    assert!(renewed.others_wait, "the holder learns that another waits");
}

#[tokio::test]
async fn a_freed_lease_goes_to_the_job_that_has_waited_longest_on_any_replica() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (held, late, early) = (one.ticket(1), one.ticket(2), two.ticket(1));
    let first = Sent { can_use: ONE, waiting: &[&held], ..Sent::default() };
    let holding = exchange(&one, first).await.leases.remove(0);
    let line = [&early];
    let sent = || Sent { can_use: ONE, waiting: &line, ..Sent::default() };
    exchange(&two, sent()).await;
    let keeps = Sent { can_use: ONE, used: &[&holding], waiting: &[&late], ..Sent::default() };
    exchange(&one, keeps).await;
    // Saying it again does not make it wait anew.
    exchange(&two, sent()).await;
    let gives = Sent { can_use: ONE, returned: &[&held], waiting: &[&late], ..Sent::default() };
    let freed = exchange(&one, gives).await;
    assert_eq!(freed.leases, Vec::<Lease>::new(), "the other's job was in line before");
    let found = exchange(&two, sent()).await;
    assert_eq!(found, Granted { others_wait: true, leases: vec![lease(&early, "a")] });
}

#[tokio::test]
async fn those_who_come_into_line_together_keep_their_order() {
    let one = Replicas::new().replica();
    let line: Vec<Ticket> = (1..=12).rev().map(|number| one.ticket(number)).collect();
    for at in 0..line.len() {
        let waiting: Vec<&Ticket> = line[at..].iter().collect();
        let returned: Vec<&Ticket> = line[..at].iter().collect();
        let sent = Sent { can_use: ONE, returned: &returned, waiting: &waiting, used: &[] };
        assert_eq!(exchange(&one, sent).await.leases, [lease(&line[at], "a")]);
    }
}

#[tokio::test]
async fn each_next_lease_is_good_where_most_is_free() {
    let one = Replicas::new().replica();
    let line: Vec<Ticket> = (1..=5).map(|number| one.ticket(number)).collect();
    let waiting: Vec<&Ticket> = line.iter().collect();
    let can_use = &[("a", 1), ("b", 3)];
    let granted = exchange(&one, Sent { can_use, waiting: &waiting, ..Sent::default() }).await;
    let mut at: Vec<&str> = granted.leases.iter().map(|l| l.instance.as_str()).collect();
    at.sort_unstable();
    assert_eq!(at, ["a", "b", "b", "b"]);
    let returned = &[&line[0]];
    let waiting = &[&line[4]];
    let freed = exchange(&one, Sent { can_use, returned, waiting, ..Sent::default() }).await;
    assert_eq!(freed.leases, [lease(&line[4], &granted.leases[0].instance)]);
}

#[tokio::test]
async fn what_the_first_in_line_cannot_use_goes_to_the_next_who_can() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (first, second) = (one.ticket(1), two.ticket(1));
    let away = Sent { can_use: &[], waiting: &[&first], ..Sent::default() };
    assert_eq!(exchange(&one, away).await.leases, []);
    let can = Sent { can_use: ONE, waiting: &[&second], ..Sent::default() };
    let granted = exchange(&two, can).await;
    assert_eq!(granted, Granted { others_wait: true, leases: vec![lease(&second, "a")] });
}

#[tokio::test]
async fn old_news_do_not_stand_against_another_replicas() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    exchange(&one, Sent { can_use: &[("a", 1)], ..Sent::default() }).await;
    let offer = Offer { instance: "a".to_owned(), places: 8 };
    let waiting = vec![two.ticket(1), two.ticket(2)];
    let (returned, used) = (vec![], vec![]);
    let old = Exchange { offers: vec![(offer, false)], returned, used, waiting };
    assert_eq!(two.exchange(&old).await.unwrap().leases.len(), 1);
}

#[tokio::test]
async fn a_job_that_left_the_line_is_granted_nothing() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (held, left, next) = (one.ticket(1), two.ticket(1), two.ticket(2));
    exchange(&one, Sent { can_use: ONE, waiting: &[&held], ..Sent::default() }).await;
    exchange(&two, Sent { can_use: ONE, waiting: &[&left, &next], ..Sent::default() }).await;
    let leaves = Sent { can_use: ONE, returned: &[&left], waiting: &[&next], used: &[] };
    exchange(&two, leaves).await;
    exchange(&one, Sent { can_use: ONE, returned: &[&held], ..Sent::default() }).await;
    let granted = exchange(&two, Sent { can_use: ONE, waiting: &[&next], ..Sent::default() }).await;
    assert_eq!(granted.leases, [lease(&next, "a")]);
}

#[tokio::test]
async fn the_places_of_all_instances_together_are_published() {
    let shared = Replicas::new();
    exchange(&shared.replica(), Sent { can_use: &[("a", 2)], ..Sent::default() }).await;
    exchange(&shared.replica(), Sent { can_use: &[("a", 2), ("b", 3)], ..Sent::default() }).await;
    let key = toneup_colour::capacity::capacity_key(&shared.0);
    let client = toneup_platform::redis::client(&shared.0).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let told: u32 = redis::AsyncCommands::get(&mut redis, key).await.unwrap();
    assert_eq!(told, 5);
}
