//! `.env.example` is the settings' documentation: it must be whole and true.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::collections::{BTreeSet, HashMap};

use toneup_api::app::ApiConfig;
use toneup_platform::config::Settings;
use toneup_testing::house::{configuration, read_settings};
use toneup_testing::repository;
use toneup_worker::config::WorkerConfig;

fn example() -> HashMap<String, String> {
    let text = std::fs::read_to_string(repository().join(".env.example")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The defaults of every section, as the sources write them.
fn defaults() -> HashMap<String, String> {
    let sections = read_settings(&repository());
    let settings = sections.into_iter().flat_map(|section| section.settings);
    let is_default = |default: &str| default.starts_with('`');
    let found: HashMap<String, String> = settings
        .filter(|setting| is_default(&setting.default))
        .map(|setting| (setting.variable, setting.default.trim_matches('`').to_owned()))
        .collect();
    assert!(found.len() > 25, "{found:?}");
    found
}

#[test]
fn the_documentation_is_what_the_sources_declare() {
    let root = repository();
    let written = std::fs::read_to_string(root.join("docs/configuration.md")).unwrap();
    let command = "cargo run -p toneup-testing --bin configuration";
    assert!(written == configuration(&root), "docs/configuration.md is out of date: {command}");
}

#[test]
fn every_setting_is_documented_and_in_the_example() {
    let example = std::fs::read_to_string(repository().join(".env.example")).unwrap();
    for section in read_settings(&repository()) {
        assert!(section.title.len() > 10, "{section:?}");
        for setting in section.settings {
            assert!(setting.meaning.len() > 20, "{setting:?}");
            assert!(example.contains(&setting.variable), "{setting:?}");
        }
    }
}

#[test]
fn the_example_starts_every_process() {
    let settings = Settings::from_vars(example());
    ApiConfig::load(&settings).unwrap();
    WorkerConfig::load(&settings).unwrap();
}

#[test]
fn the_example_names_every_default_with_its_value() {
    let example = example();
    for (name, value) in defaults() {
        assert_eq!(example.get(&name), Some(&value), "{name}");
    }
}

#[test]
fn every_process_refuses_authorities_that_it_cannot_read() {
    let mut vars = example();
    vars.insert("TLS_CA_FILE".into(), repository().join(".env.example").display().to_string());
    let settings = Settings::from_vars(vars);
    let refusals = [ApiConfig::load(&settings).err(), WorkerConfig::load(&settings).err()];
    for refusal in refusals.map(|refusal| refusal.unwrap().to_string()) {
        let expected = "TLS_CA_FILE: expected a file of certificates in PEM, ";
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

#[test]
fn every_process_refuses_to_start_without_what_it_needs() {
    let needed = ["DATABASE_URL", "AMQP_URL", "REDIS_URL", "S3_ENDPOINT", "JWT_SECRET"];
    let missing: BTreeSet<String> = needed
        .iter()
        .map(|name| {
            let mut vars = example();
            vars.remove(*name);
            let settings = Settings::from_vars(vars);
            ApiConfig::load(&settings).unwrap_err().to_string()
        })
        .collect();
    let expected = needed.iter().map(|name| format!("{name}: must be set")).collect();
    assert_eq!(missing, expected);
}

#[test]
fn keys_of_pushes_are_checked_at_the_start_and_not_repeated() {
    let key = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    let account = r#"{"project_id":"p","private_key":"hush"}"#;
    for (settings, named) in [
        (vec![("VAPID_PRIVATE_KEY", key)], "VAPID_SUBJECT"),
        (
            vec![("VAPID_PRIVATE_KEY", "hush"), ("VAPID_SUBJECT", "mailto:a@b.c")],
            "VAPID_PRIVATE_KEY",
        ),
        (vec![("VAPID_PRIVATE_KEY", key), ("VAPID_SUBJECT", "a@b.c")], "VAPID_SUBJECT"),
        (vec![("FCM_SERVICE_ACCOUNT", account)], "FCM_SERVICE_ACCOUNT"),
        (vec![("FCM_SERVICE_ACCOUNT_FILE", "/nowhere.json")], "FCM_SERVICE_ACCOUNT_FILE"),
    ] {
        let mut vars = example();
        vars.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let refusal = ApiConfig::load(&Settings::from_vars(vars)).unwrap_err();
        let refusal = refusal.to_string();
        assert!(refusal.starts_with(&format!("{named}: ")), "{refusal}");
        assert!(!refusal.contains("hush") && !refusal.contains(key), "{refusal}");
    }
}
