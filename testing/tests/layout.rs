//! The rules of the layout: no large circles of imports, none between folders, and nothing that imports upwards.

use std::path::{Path, PathBuf};

use toneup_testing::house::{CRATES, Graph, circles, imports, production_code, read, sources};
use toneup_testing::repository;

/// Largest circle of files that import each other.
const LARGEST_CIRCLE: usize = 6;

fn graph(name: &str) -> Graph {
    read(&repository().join(name).join("src"))
}

/// The top-level folder of a file; the file itself where it lies in none.
fn folder(file: &Path) -> PathBuf {
    file.iter().next().map_or_else(PathBuf::new, PathBuf::from)
}

#[test]
fn no_circle_of_imports_is_large_and_none_lies_between_folders() {
    for name in CRATES {
        for circle in circles(&graph(name)) {
            assert!(circle.len() <= LARGEST_CIRCLE, "{name}: {circle:#?}");
            let folders: std::collections::BTreeSet<PathBuf> = circle
                .iter()
                .filter(|file| file.components().count() > 1)
                .map(|file| folder(file))
                .collect();
            assert!(folders.len() <= 1, "{name}, between folders: {circle:#?}");
        }
    }
}

/// The files of the api below `folder` whose imports begin with `crate::` and one of `forbidden`.
fn upward(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let src = repository().join("api/src");
    let mut found = Vec::new();
    for file in sources(&src.join(folder)) {
        let text = std::fs::read_to_string(src.join(folder).join(&file)).unwrap_or_default();
        for path in imports(&production_code(&text)) {
            if path.first().is_some_and(|first| first == "crate")
                && path.get(1).is_some_and(|second| forbidden.contains(&second.as_str()))
            {
                found.push(format!("{}: {}", file.display(), path.join("::")));
            }
        }
    }
    found
}

#[test]
fn the_edge_imports_no_feature_and_no_feature_imports_the_composition() {
    assert_eq!(upward("http", &["features", "app"]), Vec::<String>::new());
    assert_eq!(upward("features", &["app"]), Vec::<String>::new());
}

#[test]
fn a_feature_uses_of_another_only_what_its_module_exports() {
    let features = repository().join("api/src/features");
    let mut inside = Vec::new();
    for file in sources(&features) {
        let own = folder(&file);
        let text = std::fs::read_to_string(features.join(&file)).unwrap_or_default();
        for path in imports(&production_code(&text)) {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let ["crate", "features", other, item, ..] = names[..] else { continue };
            let is_module = features.join(other).join(item).with_extension("rs").exists()
                || features.join(other).join(item).is_dir();
            if own != Path::new(other) && is_module && names.len() > 4 {
                inside.push(format!("{}: {}", file.display(), path.join("::")));
            }
        }
    }
    assert_eq!(inside, Vec::<String>::new());
}

/// The crates of ours that a crate depends on, apart from its tests.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = repository().join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(manifest).unwrap_or_default();
    let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let lines = dependencies.lines().filter_map(|line| line.strip_prefix("toneup-"));
    lines.map(|line| line.split(['.', ' ']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn lower_crates_know_nothing_of_higher_ones() {
    for (name, allowed) in [
        ("shared/platform", &[][..]),
        ("shared/jobs", &["platform"]),
        ("shared/notify", &["platform"]),
        ("shared/colour", &["jobs", "notify", "platform"]),
        ("shared/operate", &["colour", "jobs", "platform"]),
        ("worker", &["colour", "jobs", "operate", "platform"]),
        ("cli", &["colour", "jobs", "operate", "platform"]),
        ("api", &["colour", "jobs", "notify", "operate", "platform"]),
    ] {
        assert_eq!(dependencies(name), allowed, "{name}");
    }
}

/// Words of the product, which the platform and the engine must not know.
#[test]
fn the_platform_the_engine_and_notifications_know_no_word_of_the_product() {
    for name in ["shared/platform", "shared/jobs", "shared/notify"] {
        let src = repository().join(name).join("src");
        for file in sources(&src) {
            let code =
                production_code(&std::fs::read_to_string(src.join(&file)).unwrap_or_default());
            let code = code.to_lowercase();
            for word in ["season", "personalcolor", "personal_color", "analys"] {
                assert!(!code.contains(word), "{name}/src/{}: {word}", file.display());
            }
        }
    }
}
