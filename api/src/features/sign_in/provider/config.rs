//! The configuration of providers: tables of TOML over what is known of the common ones.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use toml::{Table, Value};
use toneup_platform::config::ConfigError;
use url::Url;

const SETTING: &str = "SIGN_IN_PROVIDERS";
/// Presets of common providers.
const PRESETS: &str = include_str!("presets.toml");
/// Longest name, in characters.
const NAME: usize = 30;

/// One provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ProviderConfig {
    /// The table's name: in paths, in the database, and what apps send.
    #[serde(skip)]
    pub(in super::super) name: String,
    /// What a button says.
    #[serde(default)]
    pub(in super::super) title: String,
    /// How it is spoken to: see `PROTOCOLS`.
    #[serde(default = "oidc")]
    pub(super) protocol: String,
    /// Where discovery begins (OpenID Connect Discovery 1.0 §4).
    pub(super) issuer: Option<Url>,
    pub(super) client_id: String,
    pub(super) client_secret: Option<SecretString>,
    /// Other client ids of ours for which posted tokens may be made, those of apps: Google's per platform, Apple's bundle id.
    #[serde(default)]
    pub(super) audiences: Vec<String>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    /// Whether the provider's page posts its answer (`response_mode=form_post`).
    #[serde(default)]
    pub(super) form_post: bool,
    /// Where the person's consent is taken back once the identity is unlinked or the account deleted (RFC 7009); none: it
    /// is not, and nothing is kept for it.
    pub(super) revoke_url: Option<Url>,
    /// Of Apple, instead of a client secret: the team, the key's id, and the key (PKCS #8 in PEM).
    pub(super) team_id: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) private_key: Option<SecretString>,
    /// Of a provider without discovery.
    pub(super) authorize_url: Option<Url>,
    pub(super) token_url: Option<Url>,
    pub(super) profile_url: Option<Url>,
}

fn oidc() -> String {
    "oidc".to_owned()
}

impl ProviderConfig {
    /// Complains about one key of this provider.
    pub(super) fn invalid(&self, key: &str, expected: &str) -> ConfigError {
        ConfigError::invalid(&format!("{SETTING}: {}.{key}", self.name), expected)
    }

    /// A key that this protocol needs.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| self.invalid(key, "a value"))
    }
}

/// Reads the providers. The setting's text is not repeated: it has secrets.
pub(in super::super) fn parse(text: &str) -> Result<Vec<ProviderConfig>, ConfigError> {
    let unreadable = || ConfigError::invalid(SETTING, "TOML with a table for each provider");
    let presets: BTreeMap<String, Table> = toml::from_str(PRESETS).map_err(|_| unreadable())?;
    let tables: BTreeMap<String, Table> = toml::from_str(text).map_err(|_| unreadable())?;
    tables.into_iter().map(|(name, table)| read(name, table, &presets)).collect()
}

fn read(
    name: String,
    table: Table,
    presets: &BTreeMap<String, Table>,
) -> Result<ProviderConfig, ConfigError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // These are paths beside it.
    let is_reserved = ["providers", "session"].contains(&name.as_str());
    if name.is_empty() || name.len() > NAME || !name.chars().all(is_plain) || is_reserved {
        let expected =
            "names of up to 30 lower-case letters, digits and hyphens, not providers or session";
        return Err(ConfigError::invalid(SETTING, expected));
    }
    let mut merged = presets.get(&name).cloned().unwrap_or_default();
    merged.extend(table);
    let read: Result<ProviderConfig, _> = Value::Table(merged).try_into();
    let mut config = read.map_err(|error: toml::de::Error| {
        // The first line names the key; the rest may quote a value.
        let message = error.message().split('`').take(2).collect::<Vec<_>>().join("");
        ConfigError::invalid(&format!("{SETTING}: {name}"), &format!("other keys: {message}"))
    })?;
    if config.title.is_empty() {
        config.title.clone_from(&name);
    }
    config.name = name;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_provider_needs_a_client_id_alone() {
        let configs = parse("google = { client_id = 'web' }\nkakao.client_id = 'rest'").unwrap();
        let names: Vec<_> = configs.iter().map(|one| (&*one.name, &*one.title)).collect();
        assert_eq!(names, [("google", "Google"), ("kakao", "Kakao")]);
        assert_eq!(configs[0].issuer.as_ref().unwrap().as_str(), "https://accounts.google.com/");
        assert_eq!(parse("").unwrap().len(), 0);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_repeated() {
        for (text, named) in [
            ("x", "SIGN_IN_PROVIDERS"),
            ("google = 'hush'", "SIGN_IN_PROVIDERS"),
            ("google = { client_secret = 'hush' }", "google"),
            ("google = { client_id = 'x', client_secrets = 'hush' }", "google"),
            ("Google = { client_id = 'x' }", "lower-case"),
            ("providers = { client_id = 'x' }", "providers"),
        ] {
            let refusal = parse(text).unwrap_err().to_string();
            assert!(refusal.contains(named) && !refusal.contains("hush"), "{refusal}");
        }
    }
}
