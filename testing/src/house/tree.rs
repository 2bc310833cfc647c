//! The tree of a crate's modules, as `mod` declarations span it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::Item;

use super::package::Package;
use super::source::Source;

/// A module's path below the crate's root: `["http", "page"]` is `crate::http::page`.
pub(crate) type ModulePath = Vec<String>;

/// The modules of one library or program, without those of tests.
#[derive(Default)]
pub(crate) struct Tree {
    /// The file of each module; an inline module is in its parent's.
    pub(crate) modules: BTreeMap<ModulePath, PathBuf>,
    /// The parsed files, each with the module that it is.
    pub(crate) files: BTreeMap<PathBuf, (ModulePath, Source)>,
}

impl Tree {
    /// Reads the modules below `root`, a file of `package`.
    pub(crate) fn of(package: &Package, root: &Path) -> Self {
        let mut tree = Self::default();
        tree.add_file(package, Vec::new(), root, root.parent().unwrap_or(Path::new("")));
        tree
    }

    /// Adds the module `path` in `file`, whose child modules have their files in `folder`.
    fn add_file(&mut self, package: &Package, path: ModulePath, file: &Path, folder: &Path) {
        let name = package.folder.join(file);
        let source = Source::parse(&name.to_string_lossy(), &package.sources[file]);
        self.add_children(package, &path, (file, folder), &source.file.items);
        self.modules.insert(path.clone(), file.to_owned());
        self.files.insert(file.to_owned(), (path, source));
    }

    fn add_children(
        &mut self,
        package: &Package,
        path: &ModulePath,
        (file, folder): (&Path, &Path),
        items: &[Item],
    ) {
        for item in items {
            let Item::Mod(module) = item else { continue };
            let name = module.ident.to_string();
            let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
            if let Some((_, items)) = &module.content {
                self.modules.insert(child.clone(), file.to_owned());
                self.add_children(package, &child, (file, &folder.join(&name)), items);
            } else {
                let candidates =
                    [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
                let found = candidates.iter().find(|file| package.sources.contains_key(*file));
                let missing = || panic!("{}: mod {name} has no file", file.display());
                self.add_file(package, child, found.unwrap_or_else(missing), &folder.join(&name));
            }
        }
    }
}
