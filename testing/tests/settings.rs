//! `.env.example` and `docs/configuration.md` name every setting and its default.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::collections::{BTreeSet, HashMap};

use toneup_api::app::ApiConfig;
use toneup_platform::config::Settings;
use toneup_testing::configuration::{self, Need, Setting};
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

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// Reads all settings of all sections.
fn settings() -> Vec<Setting> {
    let sections = configuration::sections(&repository());
    sections.into_iter().flat_map(|section| section.settings).collect()
}

#[test]
fn the_documentation_is_what_the_sources_declare() {
    let page = configuration::page(&configuration::sections(&repository()), &read(".env.example"));
    let command = "cargo run -p toneup-testing --bin configuration";
    assert!(read(configuration::PAGE) == page, "{} is out of date: {command}", configuration::PAGE);
}

#[test]
fn the_example_and_the_documentation_name_every_setting() {
    let (example, page) = (example(), read(configuration::PAGE));
    let variables: BTreeSet<String> = settings().into_iter().map(|one| one.variable).collect();
    assert!(variables.len() > 40, "{variables:?}");
    let absent: Vec<_> = variables.iter().filter(|name| !example.contains_key(*name)).collect();
    assert!(absent.is_empty(), ".env.example lacks {absent:?}");
    let unknown: Vec<_> =
        example.keys().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(unknown.is_empty(), "nothing reads {unknown:?} of .env.example");
}

#[test]
fn every_setting_is_explained() {
    for setting in settings() {
        assert!(setting.meaning.split(' ').count() > 1, "{setting:?}");
        assert!(setting.meaning.ends_with('.'), "{setting:?}");
    }
}

#[test]
fn the_example_names_every_default_with_its_value() {
    let example = example();
    for setting in settings() {
        let Need::Default(value) = setting.need else { continue };
        assert_eq!(example.get(&setting.variable), Some(&value), "{}", setting.variable);
    }
}

#[test]
fn the_analyzers_defaults_are_those_of_the_example() {
    let source = read("analyzer/app/config.py");
    let rust: BTreeSet<String> = settings().into_iter().map(|one| one.variable).collect();
    let example = example();
    let analyzers = example.iter().filter(|(name, _)| name.starts_with("ANALYZER_"));
    let analyzers: Vec<_> = analyzers.filter(|(name, _)| !rust.contains(*name)).collect();
    assert!(analyzers.len() > 3, "{analyzers:?}");
    for (name, value) in analyzers {
        let default = format!("env.get(\"{name}\") or \"{value}\"");
        assert!(source.contains(&default), "analyzer/app/config.py lacks {default}");
    }
}

#[test]
fn the_example_starts_every_process() {
    let settings = Settings::from_vars(example());
    ApiConfig::load(&settings).unwrap();
    WorkerConfig::load(&settings).unwrap();
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
    let needed = [
        "DATABASE_URL",
        "AMQP_URL",
        "REDIS_URL",
        "S3_ENDPOINT",
        "JWT_SECRET",
        "OPERATOR_SECRET",
        "TOKEN_KEYS",
        "DATA_KEYS",
    ];
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
fn published_secrets_are_for_development_alone() {
    let all = ["JWT_SECRET", "OPERATOR_SECRET", "TOKEN_KEYS", "DATA_KEYS"];
    for named in all {
        let mut vars = example();
        vars.insert("DEVELOPMENT".into(), "false".into());
        for (own, digit) in all.into_iter().filter(|own| *own != named).zip(["MDE", "MTE", "MjE"]) {
            vars.insert(own.into(), format!("{digit}yMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="));
        }
        let published = vars[named].clone();
        let refusal = ApiConfig::load(&Settings::from_vars(vars)).unwrap_err().to_string();
        assert!(refusal.starts_with(&format!("{named}: ")), "{refusal}");
        assert!(!refusal.contains(&published), "{refusal}");
    }
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
