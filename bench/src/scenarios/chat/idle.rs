//! Memory of connections that wait.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::crowd::{Crowd, Times};
use super::world::Person;
use crate::measure::memory::resident_bytes;

/// Connections opened before the first look, so that pools and caches are not counted as theirs.
const WARM_UP: usize = 200;
/// Time for a process to settle before a look.
const SETTLE: Duration = Duration::from_secs(4);

/// Kilobytes of a process for each connection, of those beyond the first.
pub(super) async fn kilobytes_each(
    address: SocketAddr,
    process: u32,
    people: &[Person],
) -> anyhow::Result<f64> {
    let times = Times::new(0);
    let (first, others) = people.split_at(WARM_UP.min(people.len() / 2));
    let warm = Crowd::gather(address, first, &times).await?;
    sleep(SETTLE).await;
    let before = resident_bytes(process)?;
    let crowd = Crowd::gather(address, others, &times).await?;
    sleep(SETTLE).await;
    let after = resident_bytes(process)?;
    for crowd in [warm, crowd] {
        crowd.disperse().await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
    let each = after.saturating_sub(before) as f64 / others.len() as f64;
    Ok(each / 1e3)
}
