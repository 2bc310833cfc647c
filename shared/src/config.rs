//! Configuration: read from the environment once, in `main`, and passed inward as typed values.
//!
//! A setting is the variable of the same name in upper case (`database_url` is `DATABASE_URL`); defaults are in
//! `config.default.toml`; an empty variable counts as absent. A secret can also be in a file, named by the variable with
//! `_FILE` at its end. Each section is a struct of its own, so that a binary asks only for what it uses.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::analyses::photos::Reuse;
use crate::tls::Trust;

/// A setting is missing or unusable; the message names the variable and what it expects.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// `variable` breaks a rule that its type alone cannot express.
    pub fn invalid(variable: &str, expected: &str) -> Self {
        Self(format!("{variable}: expected {expected}"))
    }
}

impl From<config::ConfigError> for ConfigError {
    fn from(error: config::ConfigError) -> Self {
        Self(describe(&error))
    }
}

/// Names the variable instead of the key, and drops the library's talk of origins.
fn describe(error: &config::ConfigError) -> String {
    use config::ConfigError as E;
    match error {
        E::At { error, key, .. } => match key {
            Some(key) => format!("{}: {}", key.to_uppercase(), describe(error)),
            None => describe(error),
        },
        E::Type { unexpected, expected, key, .. } => {
            let name = key.as_ref().map(|key| format!("{}: ", key.to_uppercase()));
            format!("{}expected {expected}, found {unexpected}", name.unwrap_or_default())
        }
        E::NotFound(key) => format!("{}: must be set", key.to_uppercase()),
        E::Message(text) => match text.strip_prefix("missing field `") {
            Some(rest) => format!("{}: must be set", rest.trim_end_matches('`').to_uppercase()),
            None => text.clone(),
        },
        other => other.to_string(),
    }
}

/// Settings that may be in a file, as container platforms hand out secrets.
pub const SECRETS: [&str; 7] = [
    "DATABASE_URL",
    "AMQP_URL",
    "REDIS_URL",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
    "JWT_SECRET",
    "VAPID_PRIVATE_KEY",
];

/// Reads the secrets that are in files. A variable that is set itself wins.
fn with_files(mut vars: HashMap<String, String>) -> Result<HashMap<String, String>, ConfigError> {
    for name in SECRETS {
        let file = format!("{name}_FILE");
        let is_set = |name: &str| vars.get(name).is_some_and(|value| !value.is_empty());
        if is_set(name) || !is_set(&file) {
            continue;
        }
        let content = std::fs::read_to_string(&vars[&file])
            .map_err(|error| ConfigError(format!("{file}: cannot read the file: {error}")))?;
        vars.insert(name.to_owned(), content.trim_end_matches(['\r', '\n']).to_owned());
    }
    Ok(vars)
}

/// All settings, before they are read into sections.
#[derive(Debug)]
pub struct Settings(Config);

impl Settings {
    /// Reads the process's environment over the defaults.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(None)
    }

    /// `vars` stands in for the environment in tests, which must not share one.
    pub fn from_vars(vars: Option<HashMap<String, String>>) -> Result<Self, ConfigError> {
        let defaults = File::from_str(include_str!("../config.default.toml"), FileFormat::Toml);
        let vars = vars.unwrap_or_else(|| {
            let text = |(name, value): (OsString, OsString)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            };
            std::env::vars_os().filter_map(text).collect()
        });
        let environment = Environment::default().ignore_empty(true).source(Some(with_files(vars)?));
        Ok(Self(Config::builder().add_source(defaults).add_source(environment).build()?))
    }

    /// Reads one section.
    pub fn section<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        Ok(self.0.clone().try_deserialize()?)
    }
}

/// Where the database is.
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseConfig {
    /// `mysql://user:password@host:port/database`.
    pub database_url: SecretString,
    /// Connections of this process.
    pub database_max_connections: u32,
    /// How long a caller waits for a free connection.
    #[serde(with = "humantime_serde")]
    pub database_acquire_timeout: Duration,
    /// Whom the link trusts, if its address asks for encryption.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

/// Where the broker is.
#[derive(Debug, Clone, Deserialize)]
pub struct BrokerConfig {
    /// `amqp://user:password@host:port/vhost`.
    pub amqp_url: SecretString,
    /// Whom the link trusts, if its address asks for encryption.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

/// Where Redis is.
#[derive(Debug, Clone, Deserialize)]
pub struct RedisConfig {
    /// `redis://host:port/database`.
    pub redis_url: SecretString,
    /// Put before every key and channel, so that several installations can share one server.
    pub redis_prefix: String,
    /// Whom the link trusts, if its address asks for encryption.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

/// Where the photos are.
#[derive(Debug, Clone, Deserialize)]
pub struct ObjectsConfig {
    /// The address our own processes use.
    pub s3_endpoint: Url,
    /// The address clients reach; the same where it is not set.
    pub s3_public_endpoint: Option<Url>,
    /// The region requests are signed for.
    pub s3_region: String,
    /// The private bucket of the photos.
    pub s3_bucket: String,
    /// Access key.
    pub s3_access_key_id: String,
    /// Secret key.
    pub s3_secret_access_key: SecretString,
    /// How long a presigned upload may be used.
    #[serde(with = "humantime_serde")]
    pub s3_upload_ttl: Duration,
    /// Days until the bucket's lifecycle rule deletes a photo.
    pub s3_photo_days: u16,
    /// The page's origin: the only one that the bucket's CORS rule lets upload.
    pub page_origin: Url,
    /// Whom the link trusts, if its address asks for encryption.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

/// Rules of a job's life.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct JobsConfig {
    /// How often a job may be tried.
    pub job_max_attempts: u16,
    /// How long a worker owns a job without renewing.
    #[serde(with = "humantime_serde")]
    pub job_lease: Duration,
    /// How long a publish may stay unconfirmed before the sweep repeats it.
    #[serde(with = "humantime_serde")]
    pub job_publish_grace: Duration,
    /// How often the queue's messages are compared with the jobs that should have one.
    #[serde(with = "humantime_serde")]
    pub job_audit_interval: Duration,
    /// How often the sweep looks for due rows.
    #[serde(with = "humantime_serde")]
    pub job_sweep_interval: Duration,
    /// Unfinished analyses that one user may have; more are refused.
    pub job_user_ceiling: u32,
    /// Analyses that may wait altogether; more are refused.
    pub job_ceiling: u32,
    /// Whose earlier answers a photo may get.
    pub photo_reuse: Reuse,
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_vars(Some(vars)).unwrap()
    }

    fn message<T: DeserializeOwned + std::fmt::Debug>(vars: &[(&str, &str)]) -> String {
        settings(vars).section::<T>().unwrap_err().to_string()
    }

    #[test]
    fn a_missing_setting_names_its_variable() {
        assert_eq!(message::<BrokerConfig>(&[]), "AMQP_URL: must be set");
        assert_eq!(message::<BrokerConfig>(&[("AMQP_URL", "")]), "AMQP_URL: must be set");
    }

    #[test]
    fn a_bad_value_names_its_variable_and_what_it_expects() {
        let number = message::<DatabaseConfig>(&[
            ("DATABASE_URL", "mysql://x"),
            ("DATABASE_MAX_CONNECTIONS", "many"),
        ]);
        assert!(number.starts_with("DATABASE_MAX_CONNECTIONS: expected an integer"), "{number}");

        let duration = message::<JobsConfig>(&[("JOB_LEASE", "sixty")]);
        assert!(duration.contains("JOB_LEASE"), "{duration}");
        assert!(duration.contains("duration"), "{duration}");
    }

    #[test]
    fn a_secret_can_be_in_a_file_and_the_variable_itself_wins() {
        let path = std::env::temp_dir().join(format!("toneup-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, "amqp://from-a-file\n").unwrap();
        let file = path.to_str().unwrap();
        let url = |vars: &[(&str, &str)]| {
            let broker: BrokerConfig = settings(vars).section().unwrap();
            broker.amqp_url.expose_secret().to_owned()
        };
        assert_eq!(url(&[("AMQP_URL_FILE", file)]), "amqp://from-a-file");
        assert_eq!(url(&[("AMQP_URL_FILE", file), ("AMQP_URL", "amqp://x")]), "amqp://x");
        std::fs::remove_file(&path).unwrap();
        let vars = HashMap::from([("AMQP_URL_FILE".to_owned(), file.to_owned())]);
        let missing = Settings::from_vars(Some(vars)).unwrap_err().to_string();
        assert!(missing.starts_with("AMQP_URL_FILE: cannot read the file"), "{missing}");
    }

    #[test]
    fn the_environment_overrides_the_defaults() {
        let jobs: JobsConfig = settings(&[("JOB_LEASE", "90s")]).section().unwrap();
        assert_eq!(jobs.job_lease, Duration::from_secs(90));
    }
}
