//! The programs that read a group of settings.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use syn::visit::Visit;

use crate::house::{Package, Tree};

/// The programs, by the crates that they are built from.
const PROGRAMS: [(&str, &str); 3] =
    [("toneup-api", "api"), ("toneup-worker", "worker"), ("toneup-cli", "cli")];

/// Programs that read a private section through a function of the crate that declares it.
const THROUGH_A_FUNCTION: [(&str, &[&str]); 2] =
    [("OriginSettings", &["api", "cli"]), ("TelemetryConfig", &["api", "worker"])];

/// The names that the code of each program contains.
pub(super) struct Readers(BTreeMap<&'static str, BTreeSet<String>>);

impl Readers {
    /// Collects the names of each program's code, tests excluded.
    pub(super) fn of(trees: &[(&Package, Tree)]) -> Self {
        let mut names = BTreeMap::new();
        for (package, tree) in trees {
            let Some(program) = program(&package.name) else { continue };
            let mut collector = Names(names.remove(program).unwrap_or_default());
            for (_, source) in tree.files.values() {
                collector.visit_file(&source.file);
            }
            names.insert(program, collector.0);
        }
        Self(names)
    }

    /// The programs that read `section`: the one whose crate declares it, or those whose code names it.
    pub(super) fn programs(&self, section: &str, package: &Package) -> BTreeSet<&'static str> {
        if let Some(program) = program(&package.name) {
            return BTreeSet::from([program]);
        }
        let listed = THROUGH_A_FUNCTION.iter().find(|(name, _)| *name == section);
        if let Some((_, programs)) = listed {
            return programs.iter().copied().collect();
        }
        let name_it = self.0.iter().filter(|(_, names)| names.contains(section));
        let programs: BTreeSet<&str> = name_it.map(|(program, _)| *program).collect();
        assert!(
            !programs.is_empty(),
            "no program names {section}: list those that read it in testing/src/configuration/readers.rs"
        );
        programs
    }
}

fn program(package: &str) -> Option<&'static str> {
    PROGRAMS.into_iter().find(|(name, _)| *name == package).map(|(_, program)| program)
}

struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.0.insert(ident.to_string());
    }
}
