//! Configuration: read from the environment once, in `main`, and passed inward as typed values.
//!
//! A setting is the variable of the same name in upper case (`database_url` is `DATABASE_URL`); an empty variable
//! counts as absent. Each [`Section`] carries its own defaults, and names its secrets: a secret may also be in a file,
//! named by the variable with `_FILE` at its end. A program reads only the sections that it uses.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::tls::Trust;

/// Error: a setting is missing or invalid; the message names the variable and the expected value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// Creates the error of a `variable` that breaks a rule which its type cannot express.
    pub fn invalid(variable: &str, expected: &str) -> Self {
        Self(format!("{variable}: expected {expected}"))
    }
}

impl From<config::ConfigError> for ConfigError {
    fn from(error: config::ConfigError) -> Self {
        Self(describe(&error))
    }
}

/// Rewrites the library's message so that it names the variable instead of the key and its origin.
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

/// A group of related settings.
pub trait Section: DeserializeOwned {
    /// Defaults, in TOML. A setting without one is mandatory, unless its field is optional.
    const DEFAULTS: &'static str = "";
    /// Variables that may also be given as a file, as container platforms provide secrets.
    const SECRETS: &'static [&'static str] = &[];
}

/// Variables of the environment, before they are parsed into sections.
#[derive(Debug)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    /// Reads the environment of the process.
    pub fn from_env() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// Uses `vars` instead of the environment, since tests must not share the process's.
    pub fn from_vars(vars: HashMap<String, String>) -> Self {
        Self(vars)
    }

    /// Parses one section, with its defaults.
    pub fn section<T: Section>(&self) -> Result<T, ConfigError> {
        let defaults = File::from_str(T::DEFAULTS, FileFormat::Toml);
        let variables = self.with_files(T::SECRETS)?;
        let environment = Environment::default().ignore_empty(true).source(Some(variables));
        let merged = Config::builder().add_source(defaults).add_source(environment).build()?;
        Ok(merged.try_deserialize()?)
    }

    /// Returns the variables, with those of `secrets` that are given as files. A variable that is set itself takes
    /// precedence.
    fn with_files(&self, secrets: &[&str]) -> Result<HashMap<String, String>, ConfigError> {
        let mut vars = self.0.clone();
        for name in secrets {
            let file = format!("{name}_FILE");
            let is_set = |name: &str| vars.get(name).is_some_and(|value| !value.is_empty());
            if is_set(name) || !is_set(&file) {
                continue;
            }
            let content = std::fs::read_to_string(&vars[&file])
                .map_err(|error| ConfigError(format!("{file}: cannot read the file: {error}")))?;
            vars.insert((*name).to_owned(), content.trim_end_matches(['\r', '\n']).to_owned());
        }
        Ok(vars)
    }
}

/// The connection to the database.
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseConfig {
    /// Address of MySQL or MariaDB: `mysql://user:password@host:port/database`.
    pub database_url: SecretString,
    /// Size of each process's connection pool.
    pub database_max_connections: u32,
    /// Longest wait for a free connection of the pool.
    #[serde(with = "humantime_serde")]
    pub database_acquire_timeout: Duration,
    /// A PEM file of certificate authorities that encrypted links to database, broker, Redis, S3 and analyzers trust
    /// besides the public ones.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

impl Section for DatabaseConfig {
    const DEFAULTS: &'static str = r#"
        database_max_connections = 16
        database_acquire_timeout = "1s"
    "#;
    const SECRETS: &'static [&'static str] = &["DATABASE_URL"];
}

/// The connection to the broker.
#[derive(Debug, Clone, Deserialize)]
pub struct BrokerConfig {
    /// Address of RabbitMQ: `amqp://user:password@host:port/vhost`.
    pub amqp_url: SecretString,
    /// A PEM file of certificate authorities that encrypted links to database, broker, Redis, S3 and analyzers trust
    /// besides the public ones.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

impl Section for BrokerConfig {
    const SECRETS: &'static [&'static str] = &["AMQP_URL"];
}

/// The connection to Redis.
#[derive(Debug, Clone, Deserialize)]
pub struct RedisConfig {
    /// Address of Redis: `redis://host:port/database`.
    pub redis_url: SecretString,
    /// Prefix of every key and channel, so that several installations can share one server.
    pub redis_prefix: String,
    /// A PEM file of certificate authorities that encrypted links to database, broker, Redis, S3 and analyzers trust
    /// besides the public ones.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

impl Section for RedisConfig {
    const DEFAULTS: &'static str = r#"
        redis_prefix = "toneup:"
    "#;
    const SECRETS: &'static [&'static str] = &["REDIS_URL"];
}

/// The object store.
#[derive(Debug, Clone, Deserialize)]
pub struct ObjectsConfig {
    /// Address of the S3 API that the programs use.
    pub s3_endpoint: Url,
    /// Address of the S3 API that clients upload to; unset: the same.
    pub s3_public_endpoint: Option<Url>,
    /// Region that requests are signed for.
    pub s3_region: String,
    /// The private bucket of the photos.
    pub s3_bucket: String,
    /// Access key ID.
    pub s3_access_key_id: String,
    /// Secret access key.
    pub s3_secret_access_key: SecretString,
    /// Lifetime of a presigned upload.
    #[serde(with = "humantime_serde")]
    pub s3_upload_ttl: Duration,
    /// Days after which the bucket's lifecycle rule deletes a photo (`toneup bucket` sets the rule).
    pub s3_photo_days: u16,
    /// A PEM file of certificate authorities that encrypted links to database, broker, Redis, S3 and analyzers trust
    /// besides the public ones.
    #[serde(default, rename = "tls_ca_file")]
    pub trust: Trust,
}

impl Section for ObjectsConfig {
    const DEFAULTS: &'static str = r#"
        s3_region = "us-east-1"
        s3_bucket = "toneup-photos"
        s3_upload_ttl = "15m"
        s3_photo_days = 7
    "#;
    const SECRETS: &'static [&'static str] = &["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"];
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_vars(vars)
    }

    fn message<T: Section + std::fmt::Debug>(vars: &[(&str, &str)]) -> String {
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

        let duration = message::<DatabaseConfig>(&[
            ("DATABASE_URL", "mysql://x"),
            ("DATABASE_ACQUIRE_TIMEOUT", "sixty"),
        ]);
        assert!(duration.contains("DATABASE_ACQUIRE_TIMEOUT"), "{duration}");
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
        let missing = Settings::from_vars(vars).section::<BrokerConfig>();
        let missing = missing.unwrap_err().to_string();
        assert!(missing.starts_with("AMQP_URL_FILE: cannot read the file"), "{missing}");
    }

    #[test]
    fn the_environment_overrides_the_defaults() {
        let redis = |vars: &[(&str, &str)]| settings(vars).section::<RedisConfig>().unwrap();
        let url = ("REDIS_URL", "redis://x");
        assert_eq!(redis(&[url]).redis_prefix, "toneup:");
        assert_eq!(redis(&[url, ("REDIS_PREFIX", "other:")]).redis_prefix, "other:");
    }
}
