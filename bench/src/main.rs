//! `bench`: measurements, and the servers that they need.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use toneup_bench::proxy::Proxy;
use toneup_bench::redis_lock;
use toneup_bench::report::table::say;
use toneup_bench::scenarios::{self, Scenario};
use toneup_bench::site::Services;
use toneup_bench::streams;
use toneup_bench::stub::service::Variation;
use toneup_bench::stub::{Health, Settings, Stub};
use toneup_bench::{chaos, contenders, rolling, uploads};

/// Grace period of a stub that is terminated.
const STUB_GRACE: Duration = Duration::from_secs(3);

/// Measure ToneUp
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a stub analyzer; prints its addresses as one line of JSON
    Stub(StubArgs),
    /// Serve a blocking proxy in front of an analyzer: each request is held until the analyzer has responded
    Proxy(ProxyArgs),
    /// Serve likes behind a lock in Redis, as the first server did; prints its address as one line of JSON
    RedisLock(redis_lock::Options),
    /// Run one scenario, or all
    Run(Box<RunArgs>),
    /// Open event streams at one API, and measure the memory that each costs
    Streams(Box<streams::Options>),
    /// Send photos in forms as slowly as may be, and measure the API's memory
    Uploads(Box<uploads::Options>),
    /// Inject faults everywhere, and check that no job is lost and none done twice; see scripts/chaos.sh
    Chaos(Box<chaos::Options>),
    /// Write the results of full runs of the fault suite to docs/reliability.md
    ChaosSummary(chaos::summary::Options),
    /// Run a process of a contender of `run overhead`
    Contender(contenders::Options),
    /// Replace every process by a newer one under load, and check that no request fails; see scripts/rolling.sh
    Rolling(Box<rolling::Options>),
}

#[derive(Debug, Args)]
struct StubArgs {
    /// Address of the analyzer's port
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the control port: `GET /stats`, `POST /reset` and `POST /control` (JSON, any of the settings below)
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Photos that it can process at once
    #[arg(long, default_value_t = 4)]
    slots: usize,
    /// Mean time of one photo
    #[arg(long, default_value = "500ms", value_parser = humantime::parse_duration)]
    service: Duration,
    /// Lognormal service times with this coefficient of variation
    #[arg(long, conflicts_with = "pareto")]
    cv: Option<f64>,
    /// Pareto service times with this exponent
    #[arg(long)]
    pareto: Option<f64>,
    /// Degrade when overloaded: each request takes (in flight / slots)^1.3 times as long
    #[arg(long)]
    degrade: bool,
    /// Accept everything and send no capacity headers, as the original server
    #[arg(long)]
    no_headers: bool,
    /// Processes behind the port, each with its own queue
    #[arg(long, default_value_t = 1)]
    lanes: usize,
    /// Append every call to this file: its trace id, arrival and response
    #[arg(long)]
    calls: Option<PathBuf>,
}

impl StubArgs {
    fn settings(&self) -> Settings {
        let variation = match (self.cv, self.pareto) {
            (Some(cv), _) => Variation::Lognormal(cv),
            (None, Some(exponent)) => Variation::Pareto(exponent),
            (None, None) => Variation::Fixed,
        };
        Settings {
            slots: self.slots,
            service_ms: self.service.as_secs_f64() * 1e3,
            variation,
            degrade: self.degrade,
            headers: !self.no_headers,
            lanes: self.lanes,
            health: Health::Up,
        }
    }
}

#[derive(Debug, Args)]
struct ProxyArgs {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Base URL of the analyzer
    #[arg(long)]
    analyzer: url::Url,
    /// Concurrent calls to the analyzer
    #[arg(long, default_value_t = 12)]
    permits: usize,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario to run; all if none is named
    scenario: Option<Scenario>,
    /// A quarter of the time: for a check that it works, not for results
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    services: Services,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    toneup_bench::install_tls();
    match Cli::parse().command {
        Command::Stub(args) => {
            let calls = args.calls.as_deref();
            let stub = Stub::start(args.settings(), args.listen, args.control, calls).await?;
            say(&json!({ "address": stub.address, "control": stub.control }).to_string())?;
            let mut asked_to_end = signal(SignalKind::terminate())?;
            tokio::select! {
                () = stub.serve() => {}
                _ = asked_to_end.recv() => stub.drain(STUB_GRACE).await,
            }
        }
        Command::Proxy(args) => {
            let proxy = Proxy::bind(args.listen, &args.analyzer, args.permits).await?;
            say(&json!({ "address": proxy.address }).to_string())?;
            proxy.serve().await?;
        }
        Command::RedisLock(options) => redis_lock::serve(&options).await?,
        Command::Chaos(options) => {
            // Dropped on Ctrl-C, as below.
            return tokio::select! {
                held = chaos::run(&options) => {
                    Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
                }
                interrupted = interrupted() => interrupted.map(|()| ExitCode::FAILURE),
            };
        }
        Command::ChaosSummary(options) => chaos::summary::fill(&options)?,
        Command::Rolling(options) => {
            return tokio::select! {
                held = rolling::run(&options) => {
                    Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
                }
                interrupted = interrupted() => interrupted.map(|()| ExitCode::FAILURE),
            };
        }
        Command::Contender(options) => contenders::run(options).await?,
        Command::Streams(options) => {
            tokio::select! {
                ran = streams::run(&options) => ran?,
                interrupted = interrupted() => return interrupted.map(|()| ExitCode::FAILURE),
            }
        }
        Command::Uploads(options) => {
            tokio::select! {
                ran = uploads::run(&options) => ran?,
                interrupted = interrupted() => return interrupted.map(|()| ExitCode::FAILURE),
            }
        }
        Command::Run(args) => {
            let run = scenarios::run(args.scenario, args.quick, &args.services);
            // Dropped on Ctrl-C: that ends every process it has started.
            tokio::select! {
                ran = run => ran?,
                interrupted = interrupted() => return interrupted.map(|()| ExitCode::FAILURE),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> anyhow::Result<()> {
    let mut asked_to_end = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = asked_to_end.recv() => {}
    }
    Ok(())
}
