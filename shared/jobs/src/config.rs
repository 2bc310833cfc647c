//! The settings of the engine, the same for every kind of job.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::Section;

/// The timing of a job's life.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct JobsConfig {
    /// How long a worker owns a job without renewing its lease.
    #[serde(with = "humantime_serde")]
    pub job_lease: Duration,
    /// How long a publish may stay unconfirmed before the sweep repeats it.
    #[serde(with = "humantime_serde")]
    pub job_publish_grace: Duration,
    /// How often the messages of a queue are compared with the jobs that should have one.
    #[serde(with = "humantime_serde")]
    pub job_audit_interval: Duration,
    /// How often the sweep looks for due jobs.
    #[serde(with = "humantime_serde")]
    pub job_sweep_interval: Duration,
}

impl Section for JobsConfig {
    const DEFAULTS: &'static str = r#"
        job_lease = "60s"
        job_publish_grace = "15s"
        job_audit_interval = "5s"
        job_sweep_interval = "250ms"
    "#;
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            job_lease: Duration::from_mins(1),
            job_publish_grace: Duration::from_secs(15),
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
