//! Settings of the engine, the same for every kind of job.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::Section;

/// Leases and intervals of the job engine.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct JobsConfig {
    /// Time after which a lease expires unless its worker renews it.
    #[serde(with = "humantime_serde")]
    pub job_lease: Duration,
    /// Time after which a publish without a confirm is repeated.
    #[serde(with = "humantime_serde")]
    pub job_publish_grace: Duration,
    /// Longest time that a worker keeps a message unacknowledged, waiting for a service: then the job is queued again, at no
    /// cost. Must be less than RabbitMQ's `consumer_timeout` (30 minutes by default), which ends the whole channel.
    #[serde(with = "humantime_serde")]
    pub job_hold_limit: Duration,
    /// Interval of the comparison of a queue's messages with the jobs that should have one.
    #[serde(with = "humantime_serde")]
    pub job_audit_interval: Duration,
    /// Interval of the sweep for due jobs.
    #[serde(with = "humantime_serde")]
    pub job_sweep_interval: Duration,
}

impl Section for JobsConfig {
    const DEFAULTS: &'static str = r#"
        job_lease = "60s"
        job_publish_grace = "15s"
        job_hold_limit = "20m"
        job_audit_interval = "5s"
        job_sweep_interval = "250ms"
    "#;
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            job_lease: Duration::from_mins(1),
            job_publish_grace: Duration::from_secs(15),
            job_hold_limit: Duration::from_mins(20),
            job_audit_interval: Duration::from_secs(5),
            job_sweep_interval: Duration::from_millis(250),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use toneup_platform::config::Settings;

    use super::*;

    #[test]
    fn the_defaults_of_the_environment_and_of_the_type_are_the_same() {
        let read: JobsConfig = Settings::from_vars(HashMap::new()).section().unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", JobsConfig::default()));
    }
}
