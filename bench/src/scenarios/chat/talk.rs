//! Messages at a steady rate, and as many as there can be.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::crowd::{Crowd, Times};
use super::world::Person;
use crate::measure::percentiles::Sorted;

/// Messages a second of the steady load.
pub(super) const RATE: usize = 200;
/// Messages of each person, as fast as they are acknowledged: one less than a person may send in 10 s.
const FLOOD_EACH: usize = 19;
/// Messages of a person that wait for their acknowledgements at once.
const FLOOD_WINDOW: usize = 4;
/// Time after which the limit of a person's messages counts from anew.
const LIMIT_WINDOW: Duration = Duration::from_secs(11);
/// Time without progress after which the rest counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Results of a system under both loads.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) connections: usize,
    /// Milliseconds from sending to each other member's receiving.
    pub(super) delays: Sorted,
    /// Deliveries that did not come.
    pub(super) missing: usize,
    /// Durable messages a second, at most.
    pub(super) flood_rate: f64,
    /// Milliseconds from sending to acknowledgement at that rate.
    pub(super) flood_acks: Sorted,
    /// Messages that were refused.
    pub(super) refused: Vec<String>,
}

/// Puts both loads on a system whose rooms have so many members each.
pub(super) async fn talk(
    address: SocketAddr,
    people: &[Person],
    members: usize,
    duration: Duration,
) -> anyhow::Result<Talk> {
    let steady = RATE * usize::try_from(duration.as_secs())?;
    let times = Times::new(steady);
    let crowd = Crowd::gather(address, people, &times).await?;
    sleep(PATIENCE / 5).await;
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(RATE)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for message in 0..steady {
        ticks.tick().await;
        // Neighbours share a room: a step that is coprime to most numbers spreads the messages over rooms.
        crowd.send((message * 7) % crowd.len(), vec![message], usize::MAX);
    }
    let deliveries = steady * members;
    crowd.settle(deliveries as u64, steady as u64, PATIENCE).await;
    let received = usize::try_from(times.received.load(std::sync::atomic::Ordering::Relaxed))?;
    let calm = crowd.disperse().await?;

    sleep(LIMIT_WINDOW).await;
    let total = people.len() * FLOOD_EACH;
    let times = Times::new(total);
    let crowd = Crowd::gather(address, people, &times).await?;
    sleep(PATIENCE / 5).await;
    let begun = Instant::now();
    for client in 0..crowd.len() {
        let own = (0..FLOOD_EACH).map(|n| n * crowd.len() + client).collect();
        crowd.send(client, own, FLOOD_WINDOW);
    }
    crowd.settle(0, total as u64, PATIENCE).await;
    let seconds = begun.elapsed().as_secs_f64();
    crowd.settle((total * members) as u64, total as u64, PATIENCE).await;
    let flood = crowd.disperse().await?;
    let acked = u32::try_from(flood.acks.len())?;
    Ok(Talk {
        connections: people.len(),
        missing: deliveries.saturating_sub(received),
        delays: Sorted::new(calm.delays),
        flood_rate: f64::from(acked) / seconds,
        flood_acks: Sorted::new(flood.acks),
        refused: [calm.refused, flood.refused].concat(),
    })
}
