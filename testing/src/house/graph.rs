//! The graph of a crate's files: an edge for every path in one file that leads into another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::imports::{self, Written};
use super::package::Package;
use super::tree::{ModulePath, Tree};

/// A path in one file that names another module or something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The file that names it.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// The module around the path.
    pub from: ModulePath,
    /// The module that the path leads to.
    pub to: ModulePath,
    /// The file of that module.
    pub target: PathBuf,
}

/// The files of a crate and the edges between them.
#[derive(Debug, Default)]
pub struct Graph {
    /// All files, tests excluded.
    pub files: BTreeSet<PathBuf>,
    /// All edges from one module to another.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Builds the graph of all modules of `package`. A `mod` declaration alone makes no edge.
    pub fn of(package: &Package) -> Self {
        let mut graph = Self::default();
        for root in &package.roots {
            graph.add(&Tree::of(package, root));
        }
        graph
    }

    fn add(&mut self, tree: &Tree) {
        for (file, (module, source)) in &tree.files {
            let written = imports::paths(module, &source.file.items);
            let names = names(tree, &written);
            self.files.insert(file.clone());
            self.edges.extend(written.iter().filter_map(|path| edge(tree, &names, file, path)));
        }
    }

    /// The circles: groups of two files or more, each of which leads to every other. Largest first.
    pub fn circles(&self) -> Vec<BTreeSet<&Path>> {
        let reached: BTreeMap<&Path, BTreeSet<&Path>> =
            self.files.iter().map(|file| (file.as_path(), self.reached_from(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reached {
            let circle: BTreeSet<&Path> =
                others.iter().copied().filter(|other| reached[other].contains(file)).collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        let mut circles: Vec<_> = circles.into_iter().collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    /// The files that `start` leads to, over any number of edges.
    fn reached_from<'a>(&'a self, start: &'a Path) -> BTreeSet<&'a Path> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(file) = open.pop() {
            let targets = self.edges.iter().filter(|edge| edge.file == file);
            open.extend(targets.map(|edge| edge.target.as_path()).filter(|to| reached.insert(*to)));
        }
        reached
    }
}

/// Modules that imports give a name, by the importing module and that name.
type Names = BTreeMap<(ModulePath, String), ModulePath>;

fn names(tree: &Tree, written: &[Written]) -> Names {
    let mut names = Names::new();
    for path in written {
        let Some(alias) = &path.alias else { continue };
        if let Some((module, 0)) = resolve(tree, &names, path) {
            names.insert((path.within.clone(), alias.clone()), module);
        }
    }
    names
}

fn edge(tree: &Tree, names: &Names, file: &Path, path: &Written) -> Option<Edge> {
    let (to, _) = resolve(tree, names, path)?;
    let target = tree.modules[&to].file.clone();
    let (file, line, from) = (file.to_owned(), path.line, path.within.clone());
    (to != from).then_some(Edge { file, line, from, to, target })
}

/// The module that `path` leads to, and the number of segments below it. `None`: it leads out of the crate.
fn resolve(tree: &Tree, names: &Names, path: &Written) -> Option<(ModulePath, usize)> {
    let mut rest = path.segments.as_slice();
    let mut module = path.within.clone();
    match rest.first()?.as_str() {
        "crate" => {
            module.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {}
        first => {
            let imported = names.get(&(path.within.clone(), first.to_owned()));
            if let Some(imported) = imported {
                module.clone_from(imported);
                rest = &rest[1..];
            } else if !tree.modules.contains_key(&child(&module, first)) {
                return None;
            }
        }
    }
    while rest.first().is_some_and(|segment| segment == "super") {
        module.pop()?;
        rest = &rest[1..];
    }
    while let Some(segment) = rest.first() {
        let child = child(&module, segment);
        if !tree.is_visible(&child, &path.within) {
            break;
        }
        module = child;
        rest = &rest[1..];
    }
    Some((module, rest.len()))
}

fn child(module: &[String], name: &str) -> ModulePath {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path
}
