//! Layout of the workspace: permitted imports between files, folders and crates. `docs/ARCHITECTURE.md` gives the
//! reasons.

use toneup_testing::house::{Graph, Package, rules, workspace};
use toneup_testing::repository;

/// Checks the graph of every crate, and fails with all breaches at once.
fn hold(rule: impl Fn(&Graph) -> Vec<String>) {
    let breaches: Vec<String> = workspace(&repository())
        .iter()
        .flat_map(|package| {
            let named = move |breach| format!("{}: {breach}", package.name);
            rule(&Graph::of(package)).into_iter().map(named)
        })
        .collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn no_circle_has_more_than_six_files() {
    hold(rules::large_circles);
}

#[test]
fn no_circle_spans_two_folders() {
    hold(rules::circles_between_folders);
}

#[test]
fn the_edge_imports_no_feature_and_no_feature_the_insides_of_another() {
    hold(rules::upward_imports);
}

#[test]
fn the_platform_the_engine_and_notifications_know_no_word_of_the_product() {
    let packages = workspace(&repository());
    let breaches: Vec<String> = packages.iter().flat_map(rules::words_of_the_product).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let packages = workspace(&repository());
    let breaches = rules::forbidden_dependencies(&packages);
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_crate_is_found_with_its_files() {
    let packages = workspace(&repository());
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    for name in ["toneup-api", "toneup-worker", "toneup-cli", "toneup-bench", "toneup-testing"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    // A graph without edges would keep every rule.
    let has_edges = |package: &Package| !Graph::of(package).edges.is_empty();
    let without: Vec<&str> = packages
        .iter()
        .filter(|package| package.sources.len() > 2 && !has_edges(package))
        .map(|package| package.name.as_str())
        .collect();
    assert!(without.is_empty(), "no imports were found in {without:?}");
}
