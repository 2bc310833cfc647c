//! Measures of a crate's non-test code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Fields, ImplItemFn, Item, ItemFn, Signature, TraitItem, TraitItemFn,
    Visibility,
};

use super::duplicates;
use super::graph::Graph;
use super::package::Package;
use super::source::{self, Source};
use super::tree::Tree;

/// Longest function that counts as short, in lines from its signature to its closing brace.
const LONG_FUNCTION: usize = 60;

/// Counts of one crate, or of several together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Measures {
    /// Lines of each file outside tests, in ascending order.
    pub files: Vec<usize>,
    /// Functions with a body.
    pub functions: usize,
    /// Functions of more than 60 lines.
    pub long_functions: usize,
    /// Items, fields, variants and methods that are `pub`.
    pub public: usize,
    /// Those of them with a doc comment.
    pub documented: usize,
    /// Files that are part of a circle of imports.
    pub in_circles: usize,
    /// Files of the largest circle.
    pub largest_circle: usize,
    /// Pairs of places with the same six lines or more.
    pub duplicates: usize,
}

impl Measures {
    /// Measures several crates together. Circles are within one crate; duplicates are also found between crates.
    pub fn of(packages: &[Package]) -> Self {
        let mut measures = Self::default();
        let mut sources: BTreeMap<PathBuf, Source> = BTreeMap::new();
        for package in packages {
            for root in &package.roots {
                let files = Tree::of(package, root).files;
                let named = files.into_iter();
                sources
                    .extend(named.map(|(file, (_, source))| (package.folder.join(file), source)));
            }
            let graph = Graph::of(package);
            let circles = graph.circles();
            let largest = circles.first().map_or(0, BTreeSet::len);
            measures.in_circles += circles.iter().map(BTreeSet::len).sum::<usize>();
            measures.largest_circle = measures.largest_circle.max(largest);
        }
        for source in sources.values() {
            measures.files.push(source.lines().count());
            measures.visit_file(&source.file);
        }
        measures.files.sort_unstable();
        measures.duplicates = duplicates::pairs(sources.values());
        measures
    }

    /// Lines of all files.
    pub fn lines(&self) -> usize {
        self.files.iter().sum()
    }

    fn count_function(&mut self, signature: &Signature, body: &Block) {
        let lines = body.span().end().line - signature.span().start().line + 1;
        self.functions += 1;
        self.long_functions += usize::from(lines > LONG_FUNCTION);
    }

    fn count_public(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        if matches!(visibility, Visibility::Public(_)) {
            self.public += 1;
            self.documented += usize::from(is_documented(attributes));
        }
    }

    fn count_fields(&mut self, fields: &Fields) {
        for field in fields.iter().filter(|field| field.ident.is_some()) {
            self.count_public(&field.vis, &field.attrs);
        }
    }
}

impl<'ast> Visit<'ast> for Measures {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = source::attributes(item);
        match item {
            Item::Const(item) => self.count_public(&item.vis, attributes),
            Item::Fn(item) => self.count_public(&item.vis, attributes),
            Item::Static(item) => self.count_public(&item.vis, attributes),
            Item::Type(item) => self.count_public(&item.vis, attributes),
            Item::Struct(item) => {
                self.count_public(&item.vis, attributes);
                self.count_fields(&item.fields);
            }
            Item::Enum(item) => {
                self.count_public(&item.vis, attributes);
                for variant in &item.variants {
                    self.count_public(&item.vis, &variant.attrs);
                }
            }
            Item::Trait(item) => {
                self.count_public(&item.vis, attributes);
                for method in &item.items {
                    if let TraitItem::Fn(method) = method {
                        self.count_public(&item.vis, &method.attrs);
                    }
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        self.count_public(&method.vis, &method.attrs);
        self.count_function(&method.sig, &method.block);
        visit::visit_impl_item_fn(self, method);
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.count_function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast TraitItemFn) {
        if let Some(block) = &method.default {
            self.count_function(&method.sig, block);
        }
        visit::visit_trait_item_fn(self, method);
    }
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}
