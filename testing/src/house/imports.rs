//! The paths that a file's code names: imports, re-exports, inline paths, and paths in macros and attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, Path, UseTree, VisRestricted};

use super::tree::ModulePath;

/// A path as it is written, with the module that it is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Module that contains the path.
    pub within: ModulePath,
    /// Segments of the path: `["super", "page", "Page"]`.
    pub segments: Vec<String>,
    /// The name that an import gives it.
    pub alias: Option<String>,
    /// The line, counted from 1.
    pub line: usize,
}

/// Collects the paths of two segments or more that `items` name, which are those of the module `within`.
pub(crate) fn paths(within: &ModulePath, items: &[Item]) -> Vec<Written> {
    let mut collector = Collector { within: within.clone(), found: Vec::new() };
    for item in items {
        collector.visit_item(item);
    }
    collector.found
}

struct Collector {
    within: ModulePath,
    found: Vec<Written>,
}

impl Collector {
    fn add(&mut self, segments: Vec<String>, alias: Option<String>, line: usize) {
        self.found.push(Written { within: self.within.clone(), segments, alias, line });
    }

    /// Flattens `use a::{b, c::d as e}` into one path for each name.
    fn flatten(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.flatten(&path.tree, prefix);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.flatten(tree, prefix.clone());
                }
            }
            UseTree::Name(name) => {
                let line = name.ident.span().start().line;
                if name.ident != "self" {
                    prefix.push(name.ident.to_string());
                }
                let alias = prefix.last().cloned();
                self.add(prefix, alias, line);
            }
            UseTree::Rename(rename) => {
                let line = rename.ident.span().start().line;
                if rename.ident != "self" {
                    prefix.push(rename.ident.to_string());
                }
                self.add(prefix, Some(rename.rename.to_string()), line);
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.add(prefix, None, line);
            }
        }
    }

    /// Finds paths among tokens that have no syntax tree: the arguments of macros and attributes.
    fn scan(&mut self, tokens: TokenStream) {
        let mut segments: Vec<(String, usize)> = Vec::new();
        // Colons since the last segment: two of them join the next segment to it.
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut segments);
                    }
                    segments.push((ident.to_string(), ident.span().start().line));
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.flush(&mut segments);
                    self.scan(group.stream());
                    colons = 0;
                }
                TokenTree::Literal(literal) => {
                    self.flush(&mut segments);
                    self.quoted(&literal.to_string(), literal.span().start().line);
                    colons = 0;
                }
                TokenTree::Punct(_) => {
                    self.flush(&mut segments);
                    colons = 0;
                }
            }
        }
        self.flush(&mut segments);
    }

    fn flush(&mut self, segments: &mut Vec<(String, usize)>) {
        let line = segments.first().map_or(0, |(_, line)| *line);
        let names: Vec<String> = segments.drain(..).map(|(name, _)| name).collect();
        if names.len() > 1 {
            self.add(names, None, line);
        }
    }

    /// A path in a string, as `#[serde(with = "crate::days")]` has it.
    fn quoted(&mut self, literal: &str, line: usize) {
        let text = literal.trim_matches('"');
        let is_path = text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
        if is_path && ["crate::", "super::", "self::"].iter().any(|start| text.starts_with(start)) {
            self.add(text.split("::").map(str::to_owned).collect(), None, line);
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.within.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.flatten(&item.tree, Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let line = path.segments[0].ident.span().start().line;
            let segments = path.segments.iter().map(|segment| segment.ident.to_string());
            self.add(segments.collect(), None, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.visit_path(attribute.path());
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone());
        }
    }

    /// `pub(crate)` and `pub(in …)` import nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}
