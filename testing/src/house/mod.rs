//! The layout of the sources: which file imports which, and the rules for it.

mod graph;
mod imports;
mod measures;
mod settings;

pub use self::graph::{Graph, circles, read};
pub use self::imports::imports;
pub use self::measures::{Measures, measure};
pub use self::settings::{Setting, SettingsSection, configuration, read_settings};

use std::path::{Path, PathBuf};

/// The crates of the workspace, by the folders that hold their manifests.
pub const CRATES: [&str; 10] = [
    "api",
    "bench",
    "cli",
    "shared/colour",
    "shared/jobs",
    "shared/notify",
    "shared/operate",
    "shared/platform",
    "testing",
    "worker",
];

/// The Rust files below a folder, relative to it, in order. Files of tests alone are left out.
pub fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.file_name().is_some_and(|name| name != "tests.rs")
            {
                found.extend(path.strip_prefix(root).map(Path::to_path_buf));
            }
        }
    }
    found.sort();
    found
}

/// The code of a file without its tests and comments.
pub fn production_code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    code.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}
