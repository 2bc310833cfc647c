//! The rules of the layout. Each function returns one line for every breach.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use super::graph::{Edge, Graph};
use super::package::Package;
use super::tree::Tree;

/// Most files that may import each other in a circle.
pub const LARGEST_CIRCLE: usize = 6;

/// Folder of the api that every feature uses and that knows none of them.
const EDGE: &str = "http";

/// Folder of the api that puts the features together.
const COMPOSITION: &str = "app";

/// Folder whose folders are the api's features.
const FEATURES: &str = "features";

/// The crates of this workspace that a crate may depend on; a crate that is not listed may depend on any.
const MAY_DEPEND_ON: [(&str, &[&str]); 9] = [
    ("toneup-platform", &[]),
    ("toneup-jobs", &["toneup-platform"]),
    ("toneup-notify", &["toneup-platform"]),
    ("toneup-colour", &["toneup-platform", "toneup-jobs", "toneup-notify"]),
    ("toneup-catalogue", &["toneup-platform", "toneup-jobs", "toneup-colour"]),
    ("toneup-people", &["toneup-platform", "toneup-jobs", "toneup-notify", "toneup-colour"]),
    ("toneup-operate", &["toneup-platform", "toneup-jobs", "toneup-colour"]),
    (
        "toneup-worker",
        &["toneup-platform", "toneup-jobs", "toneup-colour", "toneup-operate", "toneup-people"],
    ),
    (
        "toneup-cli",
        &[
            "toneup-platform",
            "toneup-jobs",
            "toneup-catalogue",
            "toneup-colour",
            "toneup-operate",
            "toneup-people",
        ],
    ),
];

/// Crates that may use the HTTP server library: those that serve HTTP.
const MAY_USE_AXUM: [&str; 3] = ["toneup-api", "toneup-bench", "toneup-platform"];

/// Crates that know nothing of the product.
const WITHOUT_PRODUCT: [&str; 3] = ["toneup-platform", "toneup-jobs", "toneup-notify"];

/// Words of the product, in lower case.
const PRODUCT: [&str; 5] = ["season", "selfie", "personalcolor", "personal_color", "analys"];

/// Finds circles of more than [`LARGEST_CIRCLE`] files.
pub fn large_circles(graph: &Graph) -> Vec<String> {
    let circles = graph.circles().into_iter().filter(|circle| circle.len() > LARGEST_CIRCLE);
    circles
        .map(|circle| format!("a circle of {} files:{}", circle.len(), described(graph, &circle)))
        .collect()
}

/// Finds circles whose files are in two folders or more. A crate's folders are those in `src`, and in the api each
/// feature's.
pub fn circles_between_folders(graph: &Graph) -> Vec<String> {
    let mut breaches = Vec::new();
    for circle in graph.circles() {
        let folders: BTreeSet<String> = circle.iter().map(|file| folder(file)).collect();
        if folders.len() > 1 {
            let folders: Vec<String> = folders.into_iter().collect();
            let edges = described(graph, &circle);
            breaches.push(format!("a circle between {}:{edges}", folders.join(", ")));
        }
    }
    breaches
}

/// Finds imports against the api's layers: of features in `http`, of the composition root in either, and of one feature's
/// inner modules in another.
pub fn upward_imports(graph: &Graph) -> Vec<String> {
    let breach = |edge: &&Edge| {
        let from: Vec<&str> = edge.from.iter().map(String::as_str).collect();
        let to: Vec<&str> = edge.to.iter().map(String::as_str).collect();
        match (from.as_slice(), to.as_slice()) {
            ([EDGE, ..], [FEATURES | COMPOSITION, ..]) | ([FEATURES, ..], [COMPOSITION, ..]) => {
                true
            }
            ([FEATURES, own, ..], [FEATURES, other, _, ..]) => own != other,
            _ => false,
        }
    };
    let line = |edge: &Edge| {
        let (file, line, to) = (edge.file.display(), edge.line, edge.to.join("::"));
        format!("{file}:{line} imports crate::{to}")
    };
    graph.edges.iter().filter(breach).map(line).collect()
}

/// Finds dependencies between crates that the layout forbids.
pub fn forbidden_dependencies(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let rules: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.into_iter().collect();
    let mut breaches = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        for dependency in package.dependencies.iter().map(String::as_str) {
            let is_listed = rules.get(name).is_none_or(|allowed| allowed.contains(&dependency));
            let serves_http = dependency == "axum" && !MAY_USE_AXUM.contains(&name);
            if ours.contains(dependency) && !is_listed || serves_http {
                breaches.push(format!("{name} depends on {dependency}"));
            }
        }
    }
    breaches
}

/// Finds lines of code that name the product in crates that are to know nothing of it.
pub fn words_of_the_product(package: &Package) -> Vec<String> {
    let mut breaches = Vec::new();
    if !WITHOUT_PRODUCT.contains(&package.name.as_str()) {
        return breaches;
    }
    for root in &package.roots {
        for (file, (_, source)) in &Tree::of(package, root).files {
            for (number, line) in source.code() {
                let line = line.to_lowercase();
                for word in PRODUCT.iter().filter(|word| line.contains(*word)) {
                    breaches.push(format!("{}:{number}: {word}", file.display()));
                }
            }
        }
    }
    breaches
}

/// The folder that a file belongs to: the first below `src`, among the features the second; `src` where it is in none.
fn folder(file: &Path) -> String {
    let parents = file.parent().into_iter().flat_map(Path::components);
    let mut names = parents.filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    let root = names.next().unwrap_or_default();
    match (names.next(), names.next()) {
        (Some(first), Some(second)) if first == FEATURES => format!("{first}/{second}"),
        (Some(first), _) => first,
        (None, _) => root,
    }
}

/// Lists the files of a circle, each on a line with the files of the same circle that it imports.
fn described(graph: &Graph, circle: &BTreeSet<&Path>) -> String {
    let line = |file: &&Path| {
        let mut targets = BTreeMap::new();
        for edge in graph.edges.iter().filter(|edge| edge.file == *file) {
            if edge.target != *file && circle.contains(edge.target.as_path()) {
                targets.entry(edge.target.as_path()).or_insert(edge.line);
            }
        }
        let targets: Vec<String> =
            targets.iter().map(|(to, line)| format!("{} (line {line})", to.display())).collect();
        format!("\n    {} -> {}", file.display(), targets.join(", "))
    };
    circle.iter().map(line).collect::<Vec<String>>().concat()
}
