//! Tests of the reader of settings and of the page on small sources.

use super::section::read;
use super::{Need, Section, Setting, page};
use crate::house::Package;

/// A shared crate with a section, and two programs, of which only the worker names it.
fn sections(declaration: &str) -> Vec<Section> {
    let text = format!("use platform::Section;\n{declaration}");
    read(&[
        Package::of("toneup-jobs", &[("src/lib.rs", &text)]),
        Package::of("toneup-api", &[("src/lib.rs", "struct Api;")]),
        Package::of("toneup-worker", &[("src/main.rs", "struct All { one: jobs::OneConfig }")]),
    ])
}

const DECLARATION: &str = r##"
/// The first group.
///
/// More about it.
struct OneConfig {
    /// Longest wait,
    /// in one attempt.
    #[serde(with = "humantime_serde")]
    wait: std::time::Duration,
    /// Retries.
    retries: u16,
    /// The key.
    #[serde(rename = "api_key")]
    key: SecretString,
    /// The proxy.
    proxy: Option<Url>,
    /// The mode.
    #[serde(default)]
    mode: Mode,
}

enum Mode { Fast, Slow, Off }

impl Section for OneConfig {
    const DEFAULTS: &'static str = r#"
        wait = "15s"
        retries = 3
    "#;
    const SECRETS: &'static [&'static str] = &["API_KEY"];
}
"##;

#[test]
fn fields_become_settings() {
    let sections = sections(DECLARATION);
    assert_eq!((sections.len(), sections[0].title.as_str()), (1, "The first group"));
    let found: Vec<(&str, &str, &Need, bool)> = sections[0]
        .settings
        .iter()
        .map(|setting| {
            let Setting { variable, kind, need, is_secret, .. } = setting;
            (variable.as_str(), kind.as_str(), need, *is_secret)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("WAIT", "duration", &Need::Default("15s".into()), false),
            ("RETRIES", "whole number", &Need::Default("3".into()), false),
            ("API_KEY", "text", &Need::Required, true),
            ("PROXY", "URL", &Need::Optional, false),
            ("MODE", "`fast`, `slow` or `off`", &Need::Optional, false),
        ]
    );
    assert_eq!(sections[0].settings[0].meaning, "Longest wait, in one attempt.");
}

#[test]
fn a_section_is_read_by_the_programs_that_name_it() {
    let sections = sections(DECLARATION);
    assert!(sections[0].settings[0].programs.iter().eq(["worker"].iter()));
}

#[test]
#[should_panic(expected = "no program names LostConfig")]
fn a_section_that_no_program_reads_is_refused() {
    sections(&DECLARATION.replace("OneConfig", "LostConfig"));
}

#[test]
#[should_panic(expected = "OneConfig::retries has no documentation")]
fn a_setting_without_documentation_is_refused() {
    sections(&DECLARATION.replace("/// Retries.", ""));
}

#[test]
fn a_variable_of_several_sections_has_one_row() {
    let setting = |program, meaning: &str| Setting {
        variable: "KEY".to_owned(),
        kind: "text".to_owned(),
        need: Need::Required,
        is_secret: true,
        programs: [program].into(),
        meaning: meaning.to_owned(),
    };
    let section = |title: &str, setting| Section {
        name: "S".to_owned(),
        title: title.to_owned(),
        settings: vec![setting],
    };
    let sections = [
        section("First", setting("api", "Signs a | b.")),
        section("Second", setting("cli", "Seals.")),
    ];
    let page = page(&sections, "# --- analyzer ---\n# Its log.\nANALYZER_LOG=info\n");
    let row = "| `KEY` *or `_FILE`* | text | **required** | api, cli | Signs a \\| b. Seals. |\n";
    assert_eq!(page.matches(row).count(), 1, "{page}");
    assert!(!page.contains("## First") && !page.contains("## Second"), "{page}");
    assert!(page.contains("| `ANALYZER_LOG` | text | `info` | analyzer | Its log. |"), "{page}");
}
