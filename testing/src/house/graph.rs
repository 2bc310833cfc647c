//! The graph of imports among the files of one crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{imports, production_code, sources};

/// Which file of a crate imports which others; paths are relative to its `src`.
pub type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// Reads the graph of the crate whose sources are below `src`.
pub fn read(src: &Path) -> Graph {
    let files = sources(src);
    let modules: BTreeMap<Vec<String>, PathBuf> =
        files.iter().map(|file| (module_of(file), file.clone())).collect();
    let edges = |file: &PathBuf| {
        let text = std::fs::read_to_string(src.join(file)).unwrap_or_default();
        let own = module_of(file);
        let targets = imports(&production_code(&text));
        let targets = targets.iter().filter_map(|path| resolve(path, &own, &modules));
        targets.filter(|target| *target != file).cloned().collect()
    };
    files.iter().map(|file| (file.clone(), edges(file))).collect()
}

/// The module that a file is, as its segments below `crate`.
fn module_of(file: &Path) -> Vec<String> {
    let mut segments: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|segment| segment.to_string_lossy().into_owned())
        .collect();
    if segments.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        segments.pop();
    }
    segments
}

/// The file that holds the module which `path`, named in the module `own`, leads to.
fn resolve<'a>(
    path: &[String],
    own: &[String],
    modules: &'a BTreeMap<Vec<String>, PathBuf>,
) -> Option<&'a PathBuf> {
    let mut absolute: Vec<String> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        _ => own.to_vec(),
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => drop(absolute.pop()),
            name => absolute.push(name.to_owned()),
        }
    }
    // The longest beginning that is a module; the rest names an item of it.
    (0..=absolute.len()).rev().find_map(|length| modules.get(&absolute[..length]))
}

/// The circles of a graph: groups of files that all reach each other, the largest first.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<PathBuf>> {
    let reach: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        graph.keys().map(|file| (file, reachable(graph, file))).collect();
    let mut found: BTreeSet<BTreeSet<PathBuf>> = BTreeSet::new();
    for (file, reached) in &reach {
        let together: BTreeSet<PathBuf> = reached
            .iter()
            .filter(|other| reach.get(*other).is_some_and(|back| back.contains(file)))
            .map(|other| (*other).clone())
            .collect();
        if together.len() > 1 {
            found.insert(together);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

fn reachable<'a>(graph: &'a Graph, from: &'a PathBuf) -> BTreeSet<&'a PathBuf> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&PathBuf> = vec![from];
    while let Some(file) = open.pop() {
        for next in graph.get(file).into_iter().flatten() {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from.into()).or_default().insert(to.into());
            graph.entry(to.into()).or_default();
        }
        graph
    }

    #[test]
    fn files_that_reach_each_other_are_a_circle() {
        let found = circles(&graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")]));
        assert_eq!(found, [BTreeSet::from(["a".into(), "b".into(), "c".into()])]);
        assert!(circles(&graph(&[("a", "b"), ("a", "c"), ("b", "c")])).is_empty());
    }

    #[test]
    fn a_path_leads_to_the_file_of_its_longest_module() {
        let modules: BTreeMap<Vec<String>, PathBuf> = ["lib.rs", "a/mod.rs", "a/b.rs"]
            .iter()
            .map(|file| (module_of(Path::new(file)), PathBuf::from(file)))
            .collect();
        let to = |path: &str, own: &str| {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            let own: Vec<String> = own.split("::").map(str::to_owned).collect();
            resolve(&path, &own, &modules).unwrap().clone()
        };
        assert_eq!(to("crate::a::b::Thing", "a"), Path::new("a/b.rs"));
        assert_eq!(to("crate::a::Thing", "a"), Path::new("a/mod.rs"));
        assert_eq!(to("super::Thing", "a::b"), Path::new("a/mod.rs"));
        assert_eq!(to("super::b::Thing", "a::c"), Path::new("a/b.rs"));
    }
}
