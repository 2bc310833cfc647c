//! Analyzer leases that replicas share in a real Redis: who is granted which, and in which order.

use toneup_platform::config::RedisConfig;
use toneup_worker::flow::sharing::{Exchange, Granted, Lease, Offer, Sharing, Ticket};

/// Replicas that share one truth.
struct Replicas(RedisConfig);

/// What a replica says; of what it can use, everything is news.
#[derive(Default)]
struct Says<'a> {
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

/// Exchanges, and returns what the replica was granted.
async fn exchange(replica: &Sharing, says: Says<'_>) -> Granted {
    let owned = |tickets: &[&Ticket]| tickets.iter().map(|t| (*t).clone()).collect();
    let offer =
        |(name, places): &(&str, u32)| Offer { instance: (*name).to_owned(), places: *places };
    let exchange = Exchange {
        offers: says.can_use.iter().map(|said| (offer(said), true)).collect(),
        returned: owned(says.returned),
        used: says.used.iter().map(|lease| (*lease).clone()).collect(),
        waiting: owned(says.waiting),
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
    let granted = exchange(&one, Says { can_use, waiting: &[&a, &b], ..Says::default() }).await;
    assert_eq!(granted.leases, [lease(&a, "a"), lease(&b, "a")]);
    let refused = exchange(&two, Says { can_use, waiting: &[&c], ..Says::default() }).await;
    assert_eq!(refused, Granted { others_wait: false, leases: vec![] });
    let used = &[&granted.leases[0], &granted.leases[1]];
    let renewed = exchange(&one, Says { can_use, used, ..Says::default() }).await;
    assert!(renewed.others_wait, "the holder learns that another waits");
}

#[tokio::test]
async fn a_freed_lease_goes_to_whoever_is_longest_in_line_of_any_replica() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (held, late, early) = (one.ticket(1), one.ticket(2), two.ticket(1));
    let first = Says { can_use: ONE, waiting: &[&held], ..Says::default() };
    let holding = exchange(&one, first).await.leases.remove(0);
    let line = [&early];
    let says = || Says { can_use: ONE, waiting: &line, ..Says::default() };
    exchange(&two, says()).await;
    let keeps = Says { can_use: ONE, used: &[&holding], waiting: &[&late], ..Says::default() };
    exchange(&one, keeps).await;
    // Saying it again does not make it wait anew.
    exchange(&two, says()).await;
    let gives = Says { can_use: ONE, returned: &[&held], waiting: &[&late], ..Says::default() };
    let freed = exchange(&one, gives).await;
    assert_eq!(freed.leases, Vec::<Lease>::new(), "the other's job was in line before");
    let found = exchange(&two, says()).await;
    assert_eq!(found, Granted { others_wait: true, leases: vec![lease(&early, "a")] });
}

#[tokio::test]
async fn those_who_come_into_line_together_keep_their_order() {
    let one = Replicas::new().replica();
    let line: Vec<Ticket> = (1..=12).rev().map(|number| one.ticket(number)).collect();
    for at in 0..line.len() {
        let waiting: Vec<&Ticket> = line[at..].iter().collect();
        let returned: Vec<&Ticket> = line[..at].iter().collect();
        let says = Says { can_use: ONE, returned: &returned, waiting: &waiting, used: &[] };
        assert_eq!(exchange(&one, says).await.leases, [lease(&line[at], "a")]);
    }
}

#[tokio::test]
async fn each_next_lease_is_good_where_most_is_free() {
    let one = Replicas::new().replica();
    let line: Vec<Ticket> = (1..=5).map(|number| one.ticket(number)).collect();
    let waiting: Vec<&Ticket> = line.iter().collect();
    let can_use = &[("a", 1), ("b", 3)];
    let granted = exchange(&one, Says { can_use, waiting: &waiting, ..Says::default() }).await;
    let mut at: Vec<&str> = granted.leases.iter().map(|l| l.instance.as_str()).collect();
    at.sort_unstable();
    assert_eq!(at, ["a", "b", "b", "b"]);
    let returned = &[&line[0]];
    let waiting = &[&line[4]];
    let freed = exchange(&one, Says { can_use, returned, waiting, ..Says::default() }).await;
    assert_eq!(freed.leases, [lease(&line[4], &granted.leases[0].instance)]);
}

#[tokio::test]
async fn what_the_first_in_line_cannot_use_goes_to_the_next_who_can() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    let (first, second) = (one.ticket(1), two.ticket(1));
    let away = Says { can_use: &[], waiting: &[&first], ..Says::default() };
    assert_eq!(exchange(&one, away).await.leases, []);
    let can = Says { can_use: ONE, waiting: &[&second], ..Says::default() };
    let granted = exchange(&two, can).await;
    assert_eq!(granted, Granted { others_wait: true, leases: vec![lease(&second, "a")] });
}

#[tokio::test]
async fn old_news_do_not_stand_against_another_replicas() {
    let shared = Replicas::new();
    let (one, two) = (shared.replica(), shared.replica());
    exchange(&one, Says { can_use: &[("a", 1)], ..Says::default() }).await;
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
    exchange(&one, Says { can_use: ONE, waiting: &[&held], ..Says::default() }).await;
    exchange(&two, Says { can_use: ONE, waiting: &[&left, &next], ..Says::default() }).await;
    let leaves = Says { can_use: ONE, returned: &[&left], waiting: &[&next], used: &[] };
    exchange(&two, leaves).await;
    exchange(&one, Says { can_use: ONE, returned: &[&held], ..Says::default() }).await;
    let granted = exchange(&two, Says { can_use: ONE, waiting: &[&next], ..Says::default() }).await;
    assert_eq!(granted.leases, [lease(&next, "a")]);
}

#[tokio::test]
async fn the_places_of_all_instances_together_are_told_to_whoever_plans() {
    let shared = Replicas::new();
    exchange(&shared.replica(), Says { can_use: &[("a", 2)], ..Says::default() }).await;
    exchange(&shared.replica(), Says { can_use: &[("a", 2), ("b", 3)], ..Says::default() }).await;
    let key = toneup_colour::capacity::capacity_key(&shared.0);
    let client = toneup_platform::redis::client(&shared.0).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let told: u32 = redis::AsyncCommands::get(&mut redis, key).await.unwrap();
    assert_eq!(told, 5);
}
