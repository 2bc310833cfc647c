//! The workspace's crates: manifests and source files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A crate of the workspace.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// Name in the manifest.
    pub name: String,
    /// Folder, relative to the workspace's root.
    pub folder: PathBuf,
    /// Crates that its programs or its library are built with; dependencies of tests alone are left out.
    pub dependencies: BTreeSet<String>,
    /// Root files of its library and its programs, relative to the folder.
    pub roots: Vec<PathBuf>,
    /// Texts of the files below `src`, by path relative to the folder.
    pub sources: BTreeMap<PathBuf, String>,
}

impl Package {
    /// Builds a crate from texts, for tests: `src/lib.rs` and `src/main.rs` are roots.
    pub fn of(name: &str, sources: &[(&str, &str)]) -> Self {
        let sources: BTreeMap<PathBuf, String> =
            sources.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect();
        let roots = conventional_roots(&sources);
        Self { name: name.to_owned(), roots, sources, ..Self::default() }
    }

    /// Adds the names of crates to the dependencies.
    #[must_use]
    pub fn with_dependencies(mut self, names: &[&str]) -> Self {
        self.dependencies.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    fn read(root: &Path, folder: &Path) -> Self {
        let manifest = manifest(&root.join(folder));
        let mut sources = BTreeMap::new();
        for path in files(&root.join(folder).join("src")) {
            if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root.join(folder)).unwrap().to_owned();
                sources.insert(relative, fs::read_to_string(&path).unwrap());
            }
        }
        let mut roots = conventional_roots(&sources);
        roots.extend(named_roots(&manifest).filter(|path| sources.contains_key(path)));
        roots.sort();
        roots.dedup();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let dependencies = dependencies(&manifest);
        Self { name, folder: folder.to_owned(), dependencies, roots, sources }
    }
}

/// Reads every crate that the manifest in `root` lists as a member of the workspace, in the manifest's order.
pub fn workspace(root: &Path) -> Vec<Package> {
    let manifest = manifest(root);
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let folders = members.iter().flat_map(|member| expand(root, member.as_str().unwrap()));
    folders.map(|folder| Package::read(root, &folder)).collect()
}

/// All files below `folder`, in the order of their paths; build output and hidden folders are left out.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_skipped = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name == "target" || name == "node_modules"
    };
    paths
        .into_iter()
        .filter(|path| !is_skipped(path))
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// The folders that an entry of `members` names: one, or with `/*` at its end every crate directly below.
fn expand(root: &Path, member: &str) -> Vec<PathBuf> {
    let Some(parent) = member.strip_suffix("/*") else { return vec![member.into()] };
    let entries = fs::read_dir(root.join(parent)).unwrap();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| Path::new(parent).join(entry.unwrap().file_name()))
        .filter(|folder| root.join(folder).join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    folders
}

fn manifest(folder: &Path) -> Table {
    let path = folder.join("Cargo.toml");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn conventional_roots(sources: &BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
    let is_root = |path: &&PathBuf| {
        let parent = path.parent() == Some(Path::new("src/bin"));
        parent || [Path::new("src/lib.rs"), Path::new("src/main.rs")].contains(&path.as_path())
    };
    sources.keys().filter(is_root).cloned().collect()
}

/// Root files that the manifest's `[lib]` and `[[bin]]` name.
fn named_roots(manifest: &Table) -> impl Iterator<Item = PathBuf> {
    let programs = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    let targets = manifest.get("lib").into_iter().chain(programs);
    targets.filter_map(|target| target.get("path")?.as_str()).map(PathBuf::from)
}

fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")])
        .flatten()
        .filter_map(Value::as_table)
        .flatten()
        // A renamed dependency says in `package` which crate it is.
        .map(|(key, value)| value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned())
        .collect()
}
