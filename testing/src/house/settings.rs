//! The settings, as the sources declare them: the table of `docs/configuration.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::{CRATES, sources};

/// A group of settings: a struct that implements `Section`.
#[derive(Debug, Clone)]
pub struct SettingsSection {
    /// The first paragraph of the struct's documentation.
    pub title: String,
    /// The crate that declares it.
    pub owner: &'static str,
    /// Its settings, in the order of the fields.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The environment variable.
    pub variable: String,
    /// The default, or whether the setting may be left out.
    pub default: String,
    /// Whether it may be given as a file.
    pub secret: bool,
    /// Its meaning: the documentation of the field.
    pub meaning: String,
}

/// Reads the sections of all crates.
pub fn read_settings(repository: &Path) -> Vec<SettingsSection> {
    let mut found = Vec::new();
    for owner in CRATES {
        let src = repository.join(owner).join("src");
        for file in sources(&src) {
            let text = std::fs::read_to_string(src.join(file)).unwrap_or_default();
            let implementations = text.match_indices("\nimpl Section for ");
            let sections = implementations
                .filter_map(|(at, start)| section(owner, &text, &text[at + start.len()..]));
            found.extend(sections);
        }
    }
    found
}

/// Reads one section; `implementation` begins with the name of its struct.
fn section(owner: &'static str, text: &str, implementation: &str) -> Option<SettingsSection> {
    let name = implementation.split([' ', '{']).next()?;
    let implementation = implementation.split("\nimpl ").next()?;
    let secrets = between(implementation, "SECRETS: &'static [&'static str] = &[", "]");
    let defaults: BTreeMap<&str, &str> =
        between(implementation, "DEFAULTS: &'static str = ", ";\n")
            .lines()
            .filter_map(|line| line.trim().split_once(" = "))
            .map(|(key, value)| (key.trim_start_matches('"'), value.trim_matches('"')))
            .collect();
    let declaration = format!("struct {name} {{");
    let at = text.find(&declaration)?;
    let fields = text[at + declaration.len()..].split("\n}").next()?;
    let title = documentation(&text[..at]).trim_end_matches('.').to_owned();
    let settings = settings(fields, &defaults, secrets);
    Some(SettingsSection { title, owner, settings })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let inner = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    inner.map_or("", |(inner, _)| inner)
}

/// The documentation that stands right before the end of `text`, attributes apart.
fn documentation(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    let block: Vec<&str> = lines
        .iter()
        .rev()
        .skip_while(|line| !line.starts_with("///") && !line.is_empty())
        .take_while(|line| line.starts_with("///"))
        .map(|line| line.trim_start_matches('/').trim())
        .collect();
    block.into_iter().rev().collect::<Vec<_>>().join(" ")
}

fn settings(fields: &str, defaults: &BTreeMap<&str, &str>, secrets: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut meaning = String::new();
    let mut attributes = String::new();
    for line in fields.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            let space = if meaning.is_empty() { "" } else { " " };
            meaning = format!("{meaning}{space}{}", text.trim());
        } else if line.starts_with("#[") {
            attributes.push_str(line);
        } else if let Some((field, kind)) = line.trim_start_matches("pub ").split_once(": ") {
            let renamed = between(&attributes, "rename = \"", "\"");
            let key = if renamed.is_empty() { field } else { renamed };
            let optional = kind.starts_with("Option<") || attributes.contains("serde(default");
            let default = match defaults.get(key) {
                Some(value) => format!("`{value}`"),
                None if optional => "unset".to_owned(),
                None => "**required**".to_owned(),
            };
            let variable = key.to_uppercase();
            let secret = secrets.contains(&format!("\"{variable}\""));
            let meaning = std::mem::take(&mut meaning);
            found.push(Setting { variable, default, secret, meaning });
            attributes.clear();
        }
    }
    found
}

/// Writes `docs/configuration.md`.
pub fn configuration(repository: &Path) -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Every setting is an environment variable; an empty one counts as absent. A setting marked *file* may also be given as a\n\
         file, named by the variable with `_FILE` at its end, as container platforms hand out secrets. A program reads only the\n\
         sections that it uses, once, when it starts, and refuses to start with a setting that it cannot use.\n\n\
         [`.env.example`](../.env.example) holds all of them with the values of a development stack. This page is generated from the\n\
         sources (`cargo run -p toneup-testing --bin configuration`); a test holds the two equal.\n",
    );
    for section in read_settings(repository) {
        // Infallible: a string takes everything.
        writeln!(text, "\n## {} (`{}`)\n", section.title, section.owner).ok();
        text.push_str("| variable | default | meaning |\n|---|---|---|\n");
        for Setting { variable, default, secret, meaning } in section.settings {
            let file = if secret { ", *file*" } else { "" };
            writeln!(text, "| `{variable}` | {default}{file} | {meaning} |").ok();
        }
    }
    text
}
