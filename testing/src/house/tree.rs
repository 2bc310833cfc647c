//! The tree of a crate's modules, as `mod` declarations span it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Item, Visibility};

use super::package::Package;
use super::source::Source;

/// A module's path below the crate's root: `["http", "page"]` is `crate::http::page`.
pub(crate) type ModulePath = Vec<String>;

/// A module of a crate.
#[derive(Debug)]
pub(crate) struct Module {
    /// File of the module; an inline module is in its parent's.
    pub(crate) file: PathBuf,
    /// True if only its parent and the modules below that can name it.
    is_private: bool,
}

/// The modules of one library or program, without those of tests.
#[derive(Default)]
pub(crate) struct Tree {
    /// The modules by their paths.
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// The parsed files, each with the module that it is.
    pub(crate) files: BTreeMap<PathBuf, (ModulePath, Source)>,
}

impl Tree {
    /// Reads the modules below `root`, a file of `package`.
    pub(crate) fn of(package: &Package, root: &Path) -> Self {
        let mut tree = Self::default();
        let module = Module { file: root.to_owned(), is_private: false };
        tree.add_file(package, Vec::new(), module, root.parent().unwrap_or(Path::new("")));
        tree
    }

    /// True if there is a module `path` that code in the module `within` can name. A private module can have the name
    /// of an item that its parent exports: `use parent::name` then means the item.
    pub(crate) fn is_visible(&self, path: &[String], within: &[String]) -> bool {
        let parent = &path[..path.len().saturating_sub(1)];
        let module = self.modules.get(path);
        module.is_some_and(|module| !module.is_private || within.starts_with(parent))
    }

    /// Adds the module `path`, whose child modules have their files in `folder`.
    fn add_file(&mut self, package: &Package, path: ModulePath, module: Module, folder: &Path) {
        let name = package.folder.join(&module.file);
        let source = Source::parse(&name.to_string_lossy(), &package.sources[&module.file]);
        self.add_children(package, &path, (&module.file, folder), &source.file.items);
        self.files.insert(module.file.clone(), (path.clone(), source));
        self.modules.insert(path, module);
    }

    fn add_children(
        &mut self,
        package: &Package,
        path: &ModulePath,
        (file, folder): (&Path, &Path),
        items: &[Item],
    ) {
        for item in items {
            let Item::Mod(declared) = item else { continue };
            let name = declared.ident.to_string();
            let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
            let is_private = matches!(declared.vis, Visibility::Inherited);
            let below = folder.join(&name);
            if let Some((_, items)) = &declared.content {
                self.modules.insert(child.clone(), Module { file: file.to_owned(), is_private });
                self.add_children(package, &child, (file, &below), items);
            } else {
                let candidates = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
                let found = candidates.into_iter().find(|file| package.sources.contains_key(file));
                let missing = || panic!("{}: mod {name} has no file", file.display());
                let module = Module { file: found.unwrap_or_else(missing), is_private };
                self.add_file(package, child, module, &below);
            }
        }
    }
}
