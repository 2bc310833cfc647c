//! Tests of the graph and of each rule on small sources: every rule holds where it should, and fails where it should.

use super::{Graph, Measures, Package, rules};

fn graph(sources: &[(&str, &str)]) -> Graph {
    Graph::of(&Package::of("toneup-api", sources))
}

/// The edges of a graph between files, as `a.rs -> b.rs`, without the leading `src/`.
fn edges(sources: &[(&str, &str)]) -> Vec<String> {
    let edges = graph(sources).edges;
    let short = |path: &std::path::Path| path.display().to_string().replace("src/", "");
    let mut edges: Vec<String> = edges
        .iter()
        .filter(|edge| edge.file != edge.target)
        .map(|edge| format!("{} -> {}", short(&edge.file), short(&edge.target)))
        .collect();
    edges.sort();
    edges.dedup();
    edges
}

/// A crate with the modules `a` and `b`, where `b` has the child `c`, and `a` has this text.
fn in_a(text: &str) -> Vec<String> {
    edges(&[
        ("src/lib.rs", "mod a; mod b; pub struct Root;"),
        ("src/a.rs", text),
        ("src/b/mod.rs", "pub mod c; pub struct B;"),
        ("src/b/c.rs", "pub struct C;"),
    ])
}

#[test]
fn declarations_alone_are_no_edges() {
    assert!(in_a("pub fn alone() {}").is_empty());
}

#[test]
fn imports_lead_to_the_file_of_the_deepest_module() {
    assert_eq!(in_a("use crate::b::B;"), ["a.rs -> b/mod.rs"]);
    assert_eq!(in_a("use crate::b::c::C;"), ["a.rs -> b/c.rs"]);
    assert_eq!(in_a("use super::Root;"), ["a.rs -> lib.rs"]);
    assert_eq!(in_a("use super::b::*;"), ["a.rs -> b/mod.rs"]);
    assert_eq!(in_a("pub use crate::{b::{self, c::C as D}, Root};").len(), 3);
}

#[test]
fn inline_paths_are_edges_in_code_types_macros_and_attributes() {
    for text in [
        "fn f() { crate::b::c::go(); }",
        "fn f(c: Option<super::b::c::C>) {}",
        "impl Default for crate::b::c::C {}",
        "fn f() { println!(\"{}\", crate::b::c::C); }",
        "#[derive(Deserialize)] struct S { #[serde(with = \"crate::b::c\")] s: u8 }",
        "#[path_of(body = crate::b::c::C)] fn f() {}",
    ] {
        assert_eq!(in_a(text), ["a.rs -> b/c.rs"], "{text}");
    }
}

#[test]
fn a_path_through_an_imported_module_leads_into_it() {
    let found = in_a("use crate::b; fn f() { b::c::go(); }");
    assert_eq!(found, ["a.rs -> b/c.rs", "a.rs -> b/mod.rs"]);
    let renamed = in_a("use crate::b as x; fn f() { x::c::go(); }");
    assert_eq!(renamed, ["a.rs -> b/c.rs", "a.rs -> b/mod.rs"]);
}

#[test]
fn a_reexport_of_a_child_is_an_edge_to_it() {
    let found = edges(&[("src/lib.rs", "mod a; pub use a::A;"), ("src/a.rs", "pub struct A;")]);
    assert_eq!(found, ["lib.rs -> a.rs"]);
}

#[test]
fn other_crates_visibility_and_tests_are_no_edges() {
    for text in [
        "use std::fmt; fn f() { fmt::b::c(); }",
        "use ::b::c::C;",
        "pub(crate) struct A; pub(in crate::b) struct B;",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(all(test, unix))] use crate::b::B;",
        "struct A; impl A { #[cfg(test)] fn f() { crate::b::go(); } }",
    ] {
        assert!(in_a(text).is_empty(), "{text}");
    }
}

#[test]
fn files_of_tests_are_not_read() {
    let sources = [("src/lib.rs", "#[cfg(test)] mod tests;"), ("src/tests.rs", "not rust")];
    assert_eq!(graph(&sources).files.len(), 1);
}

/// A crate of `size` files below `src/ring`, each of which imports the next one, and the last one the first.
fn ring(size: usize) -> Vec<(String, String)> {
    let mods = (0..size).map(|n| format!("mod m{n};")).collect::<Vec<_>>().concat();
    let mut files = vec![
        ("src/lib.rs".to_owned(), "mod ring;".to_owned()),
        ("src/ring/mod.rs".to_owned(), mods),
    ];
    for n in 0..size {
        let text = format!("use super::m{}::X;", (n + 1) % size);
        files.push((format!("src/ring/m{n}.rs"), text));
    }
    files
}

#[test]
fn a_circle_may_have_six_files_and_no_more() {
    let breaches = |size| {
        let files = ring(size);
        let files: Vec<_> = files.iter().map(|(at, text)| (at.as_str(), text.as_str())).collect();
        rules::large_circles(&graph(&files))
    };
    assert!(breaches(6).is_empty());
    let found = breaches(7);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("a circle of 7 files:\n"), "{}", found[0]);
    assert!(found[0].contains("src/ring/m6.rs -> src/ring/m0.rs (line 1)"), "{}", found[0]);
}

#[test]
fn a_circle_may_not_span_folders() {
    let sources = |back: &'static str| {
        [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a/mod.rs", "use crate::b::B;"),
            ("src/b/mod.rs", back),
        ]
    };
    assert!(rules::circles_between_folders(&graph(&sources("pub struct B;"))).is_empty());
    let found = rules::circles_between_folders(&graph(&sources("use crate::a::A;")));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("a circle between a, b:\n"), "{}", found[0]);
}

/// An api with two features, where `text` is in the file at `path`.
fn features(path: &'static str, text: &'static str) -> Graph {
    let mut sources = vec![
        ("src/lib.rs", "mod app; mod http; mod features;"),
        ("src/app/mod.rs", ""),
        ("src/http/mod.rs", "mod page;"),
        ("src/http/page.rs", ""),
        ("src/features/mod.rs", "pub mod one; pub mod two;"),
        ("src/features/one/mod.rs", "pub mod store;"),
        ("src/features/one/store.rs", ""),
        ("src/features/two/mod.rs", "pub mod store; mod go; pub use go::go;"),
        ("src/features/two/go.rs", ""),
        ("src/features/two/store.rs", ""),
    ];
    let file = sources.iter_mut().find(|(at, _)| *at == path).unwrap();
    file.1 = text;
    graph(&sources)
}

#[test]
fn a_circle_may_not_span_features() {
    let mut graph =
        features("src/features/one/mod.rs", "pub mod store; use crate::features::two::X;");
    assert!(rules::circles_between_folders(&graph).is_empty());
    let back =
        features("src/features/two/mod.rs", "mod store; mod go; use crate::features::one::X;");
    graph.edges.extend(back.edges);
    let found = rules::circles_between_folders(&graph);
    assert!(found[0].starts_with("a circle between features/one, features/two:"), "{found:?}");
}

#[test]
fn the_edge_may_not_import_features_or_the_composition_root() {
    for text in ["use crate::features::one::X;", "fn f() { crate::app::state(); }"] {
        let found = rules::upward_imports(&features("src/http/page.rs", text));
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].starts_with("src/http/page.rs:1 imports crate::"), "{}", found[0]);
    }
    assert!(rules::upward_imports(&features("src/http/page.rs", "use super::X;")).is_empty());
    let feature = features("src/features/one/mod.rs", "pub mod store; use crate::app::X;");
    assert_eq!(rules::upward_imports(&feature).len(), 1);
}

#[test]
fn a_feature_may_import_what_another_one_offers_and_not_its_insides() {
    let breaches = |text| rules::upward_imports(&features("src/features/one/store.rs", text));
    assert!(breaches("use crate::features::two::{self, X}; fn f() { two::go(); }").is_empty());
    assert!(breaches("use super::X; use crate::features::one::store;").is_empty());
    // A function that the feature exports, and whose private module has the same name.
    assert!(breaches("use crate::features::two::go;").is_empty());
    assert_eq!(breaches("use crate::features::two::store::X;").len(), 1);
    assert_eq!(breaches("use super::super::two::store;").len(), 1);
    let through = breaches("use crate::features::two; fn f() { two::store::go(); }");
    assert_eq!(through, ["src/features/one/store.rs:1 imports crate::features::two::store"]);
}

#[test]
fn crates_may_depend_only_on_those_below_them() {
    let breaches = |name: &str, dependencies: &[&str]| {
        let names =
            ["toneup-platform", "toneup-jobs", "toneup-notify", "toneup-colour", "toneup-api"];
        let mut packages: Vec<Package> =
            names.into_iter().map(|name| Package::of(name, &[])).collect();
        packages.retain(|package| package.name != name);
        packages.push(Package::of(name, &[]).with_dependencies(dependencies));
        rules::forbidden_dependencies(&packages)
    };
    for (name, dependency) in [
        ("toneup-platform", "toneup-jobs"),
        ("toneup-jobs", "toneup-notify"),
        ("toneup-notify", "toneup-jobs"),
        ("toneup-colour", "toneup-api"),
        ("toneup-operate", "toneup-notify"),
        ("toneup-worker", "toneup-api"),
        ("toneup-cli", "toneup-api"),
        ("toneup-jobs", "axum"),
    ] {
        let found = breaches(name, &[dependency]);
        assert_eq!(found, [format!("{name} depends on {dependency}")]);
    }
    for (name, dependencies) in [
        ("toneup-platform", &["sqlx", "axum"][..]),
        ("toneup-jobs", &["toneup-platform"]),
        ("toneup-colour", &["toneup-platform", "toneup-jobs", "toneup-notify"]),
        ("toneup-operate", &["toneup-platform", "toneup-jobs", "toneup-colour"]),
        ("toneup-worker", &["toneup-colour", "toneup-jobs"]),
    ] {
        assert!(breaches(name, dependencies).is_empty(), "{name}");
    }
}

#[test]
fn the_engine_may_not_name_the_product() {
    let text = "/// An analysis.\nfn f() {}\n\nfn g(analysis: u8) {}\n";
    let breaches = |name| rules::words_of_the_product(&Package::of(name, &[("src/lib.rs", text)]));
    assert_eq!(breaches("toneup-jobs"), ["src/lib.rs:4: analys"]);
    assert!(breaches("toneup-colour").is_empty());
}

#[test]
fn tests_are_not_measured_and_private_items_need_no_documentation() {
    let text = "/// Documented.\npub fn a() {}\n\npub struct B;\n\nfn c() {}\n\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
    let measures = Measures::of(&[Package::of("x", &[("src/lib.rs", text)])]);
    assert_eq!(measures.files, [7]);
    assert_eq!((measures.functions, measures.public, measures.documented), (2, 2, 1));
}

#[test]
fn long_functions_are_counted_by_lines_of_signature_and_body() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    go();\n".repeat(lines - 2));
    for (lines, long) in [(60, 0), (61, 1)] {
        let package = Package::of("x", &[("src/lib.rs", &function(lines))]);
        assert_eq!(Measures::of(&[package]).long_functions, long, "{lines} lines");
    }
}

#[test]
fn a_duplicate_is_counted_once_for_each_pair_of_places() {
    let numbered = |range: std::ops::Range<usize>| -> String {
        range.map(|n| format!("    call({n});\n\n    // {n}\n")).collect::<Vec<_>>().concat()
    };
    let file =
        |name: &str, range| format!("use a::{name};\nfn {name}() {{\n{}}}\n", numbered(range));
    let duplicates = |ranges: &[std::ops::Range<usize>]| {
        let names = ["a", "b", "c"];
        let texts: Vec<(String, String)> = std::iter::zip(names, ranges)
            .map(|(name, range)| (format!("src/{name}.rs"), file(name, range.clone())))
            .collect();
        let mut sources: Vec<(&str, &str)> =
            texts.iter().map(|(at, text)| (at.as_str(), text.as_str())).collect();
        let root = ["mod a;", "mod a; mod b;", "mod a; mod b; mod c;"][ranges.len() - 1];
        sources.push(("src/lib.rs", root));
        Measures::of(&[Package::of("x", &sources)]).duplicates
    };
    assert_eq!(duplicates(&[0..20, 20..40]), 0);
    assert_eq!(duplicates(&[0..5, 0..5]), 0);
    assert_eq!(duplicates(&[0..6, 0..6]), 1);
    assert_eq!(duplicates(&[0..12, 0..12]), 1);
    assert_eq!(duplicates(&[0..12, 3..9]), 1);
    assert_eq!(duplicates(&[0..8, 0..8, 0..8]), 3);
}
