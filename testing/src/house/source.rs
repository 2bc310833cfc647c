//! Parsed source files without their test code.

use std::ops::RangeInclusive;

use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, File, ImplItem, Item, Meta, Token};

/// A parsed file; items that only tests are compiled with are taken out.
pub(crate) struct Source {
    /// Items that remain after removing those for tests.
    pub(crate) file: File,
    /// Text of the file.
    pub(crate) text: String,
    /// Lines of the items that were taken out, counted from 1.
    tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// Parses `text`. `name` is the file's name in the message of a failure.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut file = syn::parse_file(text).unwrap_or_else(|error| {
            let at = error.span().start();
            panic!("{name}:{}: {error}", at.line)
        });
        let mut tests = Vec::new();
        if is_test(&file.attrs) {
            tests.push(1..=text.lines().count());
            file.items.clear();
        }
        strip(&mut file.items, &mut tests);
        Self { file, text: text.to_owned(), tests }
    }

    /// The lines of code outside tests: without blank lines and comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let trimmed = self.lines().map(|(number, line)| (number, line.trim()));
        trimmed.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }

    /// The lines outside tests, each with its number, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(number, _)| !self.tests.iter().any(|range| range.contains(number)))
    }
}

/// Takes test code out of `items`, and notes its lines in `removed`.
fn strip(items: &mut Vec<Item>, removed: &mut Vec<RangeInclusive<usize>>) {
    items.retain(|item| keep(attributes(item), item, removed));
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    strip(items, removed);
                }
            }
            Item::Impl(block) => {
                block.items.retain(|item| keep(impl_attributes(item), item, removed));
            }
            _ => {}
        }
    }
}

fn keep(
    attributes: &[Attribute],
    item: &impl Spanned,
    removed: &mut Vec<RangeInclusive<usize>>,
) -> bool {
    let is_test = is_test(attributes);
    if is_test {
        removed.push(item.span().start().line..=item.span().end().line);
    }
    !is_test
}

/// True if an item with these attributes is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg_test = || attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta));
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && is_cfg_test()
    })
}

/// True if a condition of `cfg` holds only in tests: `test`, or `all(…)` with such a condition in it.
fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|conditions| conditions.iter().any(needs_test)),
        _ => false,
    }
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn impl_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        _ => &[],
    }
}
