//! Groups of settings, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::{
    Attribute, Expr, Field, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, Lit, LitStr, Meta, Type,
};
use toml::{Table, Value};

use super::readers::Readers;
use crate::house::{Package, Tree};

/// A group of settings: a struct that implements the platform's `Section`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Name of the struct.
    pub name: String,
    /// The first paragraph of the struct's documentation, without its full stop.
    pub title: String,
    /// The settings in the order of the fields.
    pub settings: Vec<Setting>,
}

/// One environment variable that a section reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name of the environment variable.
    pub variable: String,
    /// Kind of the value, in words.
    pub kind: String,
    /// Required, optional, or with a default.
    pub need: Need,
    /// True if the value may be in a file, named by the variable with the suffix `_FILE`.
    pub is_secret: bool,
    /// Programs that read the setting.
    pub programs: BTreeSet<&'static str>,
    /// The documentation of the field.
    pub meaning: String,
}

/// Requirement to set a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The setting is mandatory.
    Required,
    /// The setting may be left out.
    Optional,
    /// The setting may be left out, and then has this value.
    Default(String),
}

/// Declarations in the files of all crates.
#[derive(Default)]
struct Declarations<'a> {
    /// The structs of each file, by their names.
    structs: BTreeMap<(PathBuf, String), &'a ItemStruct>,
    enums: BTreeMap<String, &'a ItemEnum>,
    /// The implementations of `Section`, each with the crate and the file that it is in.
    sections: Vec<(&'a Package, PathBuf, &'a ItemImpl)>,
}

impl<'a> Declarations<'a> {
    fn add(&mut self, package: &'a Package, file: &Path, items: &'a [Item]) {
        let file = package.folder.join(file);
        for item in items {
            match item {
                Item::Struct(item) => {
                    self.structs.insert((file.clone(), item.ident.to_string()), item);
                }
                Item::Enum(item) => {
                    self.enums.insert(item.ident.to_string(), item);
                }
                Item::Impl(item) if is_section(item) => {
                    self.sections.push((package, file.clone(), item));
                }
                _ => {}
            }
        }
    }
}

fn is_section(block: &ItemImpl) -> bool {
    let path = block.trait_.as_ref().map(|(_, path, _)| path);
    path.and_then(|path| path.segments.last()).is_some_and(|last| last.ident == "Section")
}

/// Reads the sections of `packages`, in their order.
pub(super) fn read(packages: &[Package]) -> Vec<Section> {
    let trees: Vec<(&Package, Tree)> = packages
        .iter()
        .flat_map(|package| package.roots.iter().map(move |root| (package, root)))
        .map(|(package, root)| (package, Tree::of(package, root)))
        .collect();
    let readers = Readers::of(&trees);
    let mut declared = Declarations::default();
    for (package, tree) in &trees {
        for (file, (_, source)) in &tree.files {
            declared.add(package, file, &source.file.items);
        }
    }
    let sections = declared.sections.iter();
    sections
        .map(|(package, file, block)| section(&declared, &readers, (package, file), block))
        .collect()
}

fn section(
    declared: &Declarations<'_>,
    readers: &Readers,
    (package, file): (&Package, &Path),
    block: &ItemImpl,
) -> Section {
    let name = last_ident(&block.self_ty).expect("a struct implements Section");
    let declaration = (file.to_owned(), name.clone());
    let structure = declared.structs[&declaration];
    let defaults = defaults(&name, block);
    let secrets = secrets(block);
    let programs = readers.programs(&name, package);
    let settings = structure.fields.iter().map(|field| {
        let key = key(field);
        let (kind, is_optional) = kind(declared, &field.ty);
        let may_be_absent = is_optional || has_serde(&field.attrs, "default");
        let need = match defaults.get(&key) {
            Some(value) => Need::Default(written(value)),
            None if may_be_absent => Need::Optional,
            None => Need::Required,
        };
        let variable = key.to_uppercase();
        let is_secret = secrets.contains(&variable);
        let meaning = documentation(&field.attrs);
        assert!(!meaning.is_empty(), "{name}::{key} has no documentation");
        Setting { variable, kind, need, is_secret, programs: programs.clone(), meaning }
    });
    let settings = settings.collect();
    let title = documentation(&structure.attrs).trim_end_matches('.').to_owned();
    assert!(!title.is_empty(), "{name} has no documentation");
    Section { name, title, settings }
}

/// The constant `name` of an implementation.
fn constant<'a>(block: &'a ItemImpl, name: &str) -> Option<&'a Expr> {
    block.items.iter().find_map(|item| match item {
        ImplItem::Const(constant) if constant.ident == name => Some(&constant.expr),
        _ => None,
    })
}

fn defaults(section: &str, block: &ItemImpl) -> Table {
    let text = constant(block, "DEFAULTS").and_then(string).unwrap_or_default();
    text.parse().unwrap_or_else(|error| panic!("{section}::DEFAULTS: {error}"))
}

/// A default as the environment would have it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        other => panic!("a setting has one value, and not {other:?}"),
    }
}

fn secrets(block: &ItemImpl) -> BTreeSet<String> {
    let Some(Expr::Reference(reference)) = constant(block, "SECRETS") else {
        return BTreeSet::new();
    };
    let Expr::Array(array) = &*reference.expr else { return BTreeSet::new() };
    array.elems.iter().filter_map(string).collect()
}

fn string(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The key that a field is read from: its name, or that of `#[serde(rename = "…")]`.
fn key(field: &Field) -> String {
    let mut key = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            if let Ok(value) = meta.value() {
                let value: LitStr = value.parse()?;
                if meta.path.is_ident("rename") {
                    key = value.value();
                }
            }
            Ok(())
        });
        parsed.unwrap_or_else(|error| panic!("{key}: {error}"));
    }
    key
}

/// True if `#[serde(name)]` or `#[serde(name = "…")]` is among the attributes.
fn has_serde(attributes: &[Attribute], name: &str) -> bool {
    let mut is_found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            is_found |= meta.path.is_ident(name);
            if let Ok(value) = meta.value() {
                value.parse::<LitStr>()?;
            }
            Ok(())
        });
        parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    is_found
}

/// The first paragraph of the documentation, on one line.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let lines = lines.filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) => string(&pair.value),
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    let paragraph = lines.split(String::is_empty).next().unwrap_or_default();
    paragraph.join(" ")
}

/// Kind of value that a type is parsed from, in words, and whether it is an `Option`.
fn kind(declared: &Declarations<'_>, kind_of: &Type) -> (String, bool) {
    let name = last_ident(kind_of).unwrap_or_default();
    if name == "Option" {
        let inner = generic(kind_of).map(|inner| kind(declared, inner).0);
        return (inner.unwrap_or_default(), true);
    }
    let words = match name.as_str() {
        "Duration" => "duration",
        "bool" => "`true` or `false`",
        "u8" | "u16" | "u32" | "u64" | "usize" => "whole number",
        "f32" | "f64" => "number",
        "Url" => "URL",
        "SocketAddr" => "address and port",
        "PathBuf" | "Trust" => "file",
        "String" | "SecretString" => "text",
        other => return (choices(declared, other), false),
    };
    (words.to_owned(), false)
}

/// The variants of an enum without fields: `one`, `two` or `three`.
fn choices(declared: &Declarations<'_>, name: &str) -> String {
    let choices = declared.enums.get(name).unwrap_or_else(|| {
        panic!("no words for the type {name}: add some in testing/src/configuration/section.rs")
    });
    let variants = choices.variants.iter();
    let names: Vec<String> =
        variants.map(|variant| format!("`{}`", variant.ident.to_string().to_lowercase())).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn last_ident(kind_of: &Type) -> Option<String> {
    let Type::Path(path) = kind_of else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// The first generic argument of a type.
fn generic(kind_of: &Type) -> Option<&Type> {
    let Type::Path(path) = kind_of else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments
    else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}
