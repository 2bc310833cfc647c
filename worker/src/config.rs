//! The configuration of the worker, read from the environment once, in `main`.

use std::time::Duration;

use serde::Deserialize;
use toneup_colour::config::ColourConfig;
use toneup_jobs::config::JobsConfig;
use toneup_platform::config::{
    BrokerConfig, ConfigError, DatabaseConfig, ObjectsConfig, RedisConfig, Section, Settings,
};
use toneup_platform::probes::ProbesConfig;
use toneup_platform::tls::Trust;
use url::Url;

/// Complete configuration of a worker.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Connection to MySQL or MariaDB.
    pub database: DatabaseConfig,
    /// Connection to RabbitMQ.
    pub broker: BrokerConfig,
    /// Connection to Redis, for hints, leases and the replicas' reports.
    pub redis: RedisConfig,
    /// Access to the photos in S3.
    pub objects: ObjectsConfig,
    /// Leases, timeouts and sweeps of jobs.
    pub jobs: JobsConfig,
    /// The limits of analyses.
    pub colour: ColourConfig,
    /// Addresses and timeout of the analyzers.
    pub analyzers: AnalyzerConfig,
    /// The worker's own settings.
    pub worker: WorkerSettings,
    /// The listener of the probes.
    pub probes: ProbesConfig,
}

/// Settings of the worker process.
#[derive(Debug, Clone, Deserialize)]
pub struct WorkerSettings {
    /// Time for running jobs to finish after SIGTERM, more than `ANALYZER_TIMEOUT`; the others are handed back.
    #[serde(with = "humantime_serde")]
    pub worker_shutdown_grace: Duration,
}

/// Connection settings of the analyzers, checked.
#[derive(Debug, Clone)]
pub struct AnalyzerConfig {
    /// Base addresses, `http` or `https`; a name may resolve to several instances.
    pub urls: Vec<Url>,
    /// Timeout of one request.
    pub timeout: Duration,
    /// Certificate authorities trusted for `https` addresses.
    pub trust: Trust,
}

/// Access to the analyzers.
#[derive(Debug, Deserialize)]
struct AnalyzerSettings {
    /// Base addresses of the analyzers, separated by commas.
    analyzer_urls: String,
    /// Timeout of one request to an analyzer.
    #[serde(with = "humantime_serde")]
    analyzer_timeout: Duration,
    /// A PEM file of certificate authorities that encrypted links to database, broker, Redis, S3 and analyzers trust
    /// besides the public ones.
    #[serde(default, rename = "tls_ca_file")]
    trust: Trust,
}

impl Section for WorkerSettings {
    const DEFAULTS: &'static str = r#"
        worker_shutdown_grace = "40s"
    "#;
}

impl Section for AnalyzerSettings {
    const DEFAULTS: &'static str = r#"
        analyzer_timeout = "30s"
    "#;
}

impl AnalyzerSettings {
    fn parse(self) -> Result<AnalyzerConfig, ConfigError> {
        let is_http = |url: &Url| ["http", "https"].contains(&url.scheme());
        let urls: Option<Vec<Url>> = self
            .analyzer_urls
            .split(',')
            .map(|url| url.trim().parse().ok().filter(is_http))
            .collect();
        let urls = urls.ok_or_else(|| {
            ConfigError::invalid("ANALYZER_URLS", "http addresses, separated by commas")
        })?;
        Ok(AnalyzerConfig { urls, timeout: self.analyzer_timeout, trust: self.trust })
    }
}

impl WorkerConfig {
    /// Reads and checks the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let config = Self {
            database: settings.section()?,
            broker: settings.section()?,
            redis: settings.section()?,
            objects: settings.section()?,
            jobs: settings.section()?,
            colour: settings.section()?,
            analyzers: settings.section::<AnalyzerSettings>()?.parse()?,
            worker: settings.section()?,
            probes: settings.section()?,
        };
        if config.analyzers.timeout >= config.worker.worker_shutdown_grace {
            return Err(ConfigError::invalid(
                "WORKER_SHUTDOWN_GRACE",
                "more than ANALYZER_TIMEOUT, so that a running analysis can finish",
            ));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(urls: &str) -> Result<AnalyzerConfig, ConfigError> {
        let timeout = Duration::from_secs(1);
        let trust = Trust::default();
        AnalyzerSettings { analyzer_urls: urls.to_owned(), analyzer_timeout: timeout, trust }
            .parse()
    }

    #[test]
    fn several_analyzers_are_separated_by_commas() {
        let config = parse("http://one:8000, https://two/path").unwrap();
        assert_eq!(config.urls.len(), 2);
    }

    #[test]
    fn what_is_no_http_address_is_refused_with_the_variables_name() {
        for urls in ["", "one:8000", "ftp://one", "http://one,,http://two"] {
            let message = parse(urls).unwrap_err().to_string();
            assert!(message.starts_with("ANALYZER_URLS: expected http addresses"), "{message}");
        }
    }
}
