//! Injection and clearing of faults.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::schedule::{Fault, Kind};
use super::servers::Servers;
use super::site::Site;
use crate::stub::Health;
use crate::stub::record::Clock;

/// Time during which a restarted server may still refuse what a fault needs.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(300);

/// A fault that was injected. Times in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Injected {
    pub(crate) fault: Fault,
    pub(crate) began_ms: f64,
    /// Time at which it was cleared: a process restarted, a server serving again, a link restored.
    pub(crate) cleared_ms: f64,
    /// Time from the clearing of all faults of the slot until a job ran from start to end; `None` if none did.
    pub(crate) recovery_ms: Option<f64>,
}

/// Injects a fault when its time in the slot has come, and clears it.
pub(crate) async fn inject(
    fault: Fault,
    site: &Site,
    servers: &Servers,
    clock: &Clock,
) -> anyhow::Result<Injected> {
    sleep(fault.begins).await;
    let began_ms = clock.now_ms();
    begin(fault, site, servers).await?;
    sleep(fault.lasts).await;
    clear(fault, site, servers).await?;
    Ok(Injected { fault, began_ms, cleared_ms: clock.now_ms(), recovery_ms: None })
}

async fn begin(fault: Fault, site: &Site, servers: &Servers) -> anyhow::Result<()> {
    let replica = fault.replica.unwrap_or_default();
    match fault.kind {
        Kind::Kill(program) => site.kill(program, replica).await,
        Kind::Terminate(program) => site.terminate(program, replica).await?,
        Kind::Crash(server) => servers.crash(server).await?,
        Kind::PurgeQueue => insist(async || servers.purge_queue().await).await?,
        Kind::DeleteQueue => insist(async || servers.delete_queue().await).await?,
        Kind::MemoryAlarm => servers.memory_alarm(true).await?,
        Kind::Duplicates => insist(async || servers.begin_duplicates().await).await?,
        Kind::Poison => insist(async || servers.poison().await).await?,
        Kind::Break(link, how) => site.break_link(link, fault.replica, how),
        Kind::Misbehave(health) => insist(async || site.misbehave(health).await).await?,
        Kind::Skew(seconds) => site.skew(seconds)?,
    }
    Ok(())
}

async fn clear(fault: Fault, site: &Site, servers: &Servers) -> anyhow::Result<()> {
    let replica = fault.replica.unwrap_or_default();
    match fault.kind {
        Kind::Kill(program) | Kind::Terminate(program) => {
            site.start_again(program, replica).await?;
        }
        Kind::Crash(server) => servers.start(server).await?,
        Kind::PurgeQueue | Kind::DeleteQueue | Kind::Poison => {}
        Kind::MemoryAlarm => servers.memory_alarm(false).await?,
        Kind::Duplicates => insist(async || servers.end_duplicates().await).await?,
        Kind::Break(link, _) => site.mend_link(link, fault.replica),
        Kind::Misbehave(_) => insist(async || site.misbehave(Health::Up).await).await?,
        Kind::Skew(_) => site.skew(0)?,
    }
    Ok(())
}

/// Retries an action that may fail while a server starts.
async fn insist(mut act: impl AsyncFnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match act().await {
            Err(_) if Instant::now() < give_up => sleep(PAUSE).await,
            done => return done,
        }
    }
}
