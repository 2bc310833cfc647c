//! Logs: one line per event, JSON unless stdout is a terminal. Traces: sent to a collector, if one is configured.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};
use url::Url;

use crate::config::{ConfigError, Section, Settings};

/// Crates whose spans are exported.
const OURS: [&str; 7] = [
    "toneup_api",
    "toneup_colour",
    "toneup_jobs",
    "toneup_notify",
    "toneup_operate",
    "toneup_platform",
    "toneup_worker",
];

/// Timeout of a request to the collector.
const COLLECTOR_TIMEOUT: Duration = Duration::from_secs(5);

/// Tracing.
#[derive(Debug, Deserialize)]
struct TelemetryConfig {
    /// Collector that traces are sent to, by OTLP over HTTP; unset: no traces are sent.
    otel_exporter_otlp_endpoint: Option<Url>,
}

impl Section for TelemetryConfig {}

/// Guard of the trace exporter, to be ended so that the last spans are sent.
#[derive(Debug)]
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends the remaining spans, with a timeout.
    pub fn end(self) {
        let Some(provider) = self.0 else { return };
        if let Err(error) = provider.shutdown_with_timeout(COLLECTOR_TIMEOUT) {
            tracing::warn!(%error, "cannot send the last spans");
        }
    }
}

/// Writes logs to stdout, filtered by `RUST_LOG` or else by `info`, and logs panics. With
/// `OTEL_EXPORTER_OTLP_ENDPOINT`, also sends the spans of `service`.
pub fn init(service: &'static str, settings: &Settings) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new("info"))
        .context("parsing the log filter")?;
    let lines = if std::io::stdout().is_terminal() {
        tracing_subscriber::fmt::layer().compact().boxed()
    } else {
        tracing_subscriber::fmt::layer().json().flatten_event(true).boxed()
    };
    let config: TelemetryConfig = settings.section()?;
    let provider =
        config.otel_exporter_otlp_endpoint.map(|at| provider(service, &at)).transpose()?;
    let spans = provider.as_ref().map(|provider| spans(service, provider));
    tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).try_init()?;
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
    Ok(Telemetry(provider))
}

/// Layer that exports the spans of our own crates, not those of libraries.
pub fn spans(service: &'static str, provider: &SdkTracerProvider) -> impl Layer<Registry> + use<> {
    let ours = OURS.map(|name| (name, LevelFilter::INFO));
    let tracer = provider.tracer(service);
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(Targets::new().with_targets(ours))
}

/// Creates a provider that sends spans in batches, from a thread of its own, to a collector at `endpoint`.
pub fn provider(service: &'static str, endpoint: &Url) -> anyhow::Result<SdkTracerProvider> {
    if !["http", "https"].contains(&endpoint.scheme()) {
        let expected = "the http address of a collector";
        return Err(ConfigError::invalid("OTEL_EXPORTER_OTLP_ENDPOINT", expected).into());
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .with_timeout(COLLECTOR_TIMEOUT)
        .build()
        .context("OTEL_EXPORTER_OTLP_ENDPOINT: preparing the exporter")?;
    let resource = Resource::builder_empty().with_service_name(service).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
