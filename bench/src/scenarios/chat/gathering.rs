//! One message to a large room, all of whose members are connected.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::crowd::{Crowd, Times};
use super::world::Person;
use crate::measure::percentiles::Sorted;

/// Pause between two messages, which a busy room leaves too.
const PAUSE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(5);
/// Time after the last member has connected.
const SETTLE: Duration = Duration::from_secs(2);

/// Milliseconds from sending to the last member's receiving, for each of some messages.
pub(super) async fn last_arrivals(
    address: SocketAddr,
    people: &[Person],
    messages: usize,
) -> anyhow::Result<Sorted> {
    let times = Times::new(messages);
    let crowd = Crowd::gather(address, people, &times).await?;
    sleep(SETTLE).await;
    for message in 0..messages {
        crowd.send(message % crowd.len(), vec![message], 1);
        let (received, acked) = ((message + 1) * people.len(), message + 1);
        crowd.settle(received as u64, acked as u64, PATIENCE).await;
        sleep(PAUSE).await;
    }
    let received = times.received.load(std::sync::atomic::Ordering::Relaxed);
    anyhow::ensure!(
        received == (messages * people.len()) as u64,
        "{received} deliveries of {messages} messages to {} members",
        people.len()
    );
    crowd.disperse().await?;
    Ok(Sorted::new((0..messages).filter_map(|message| times.last_arrival(message))))
}
