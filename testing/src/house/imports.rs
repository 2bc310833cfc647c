//! The paths that a file imports or names: `crate::…`, `super::…` and `self::…`, with the trees of `use` unfolded.

/// Finds the paths, as their segments. `super` and `self` are left to the caller, who knows the file.
pub fn imports(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            // Part of a longer path or name, such as `super::super::` or `$crate::`.
            if before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
                continue;
            }
            // `pub(in crate::a)` says who may see, and imports nothing.
            if code[..at].ends_with("(in ") {
                continue;
            }
            unfold(&code[at..], &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads one path, or a tree of them, from the start of `text`; returns the rest.
fn unfold<'a>(text: &'a str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = prefix.len();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(tree) = rest.strip_prefix('{') {
            rest = tree;
            loop {
                rest = unfold(rest, prefix, found).trim_start();
                match rest.strip_prefix(',') {
                    Some(next) => rest = next,
                    None => break,
                }
            }
            rest = rest.strip_prefix('}').unwrap_or(rest);
            break;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end > 0 {
            prefix.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        match rest.strip_prefix("::") {
            Some(next) if end > 0 => rest = next,
            _ => {
                if prefix.len() > depth {
                    found.push(prefix.clone());
                }
                break;
            }
        }
    }
    prefix.truncate(depth);
    // `use a::b as c`
    let rest = rest.trim_start();
    match rest.strip_prefix("as ") {
        Some(alias) => alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        imports(code).into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn trees_of_use_are_unfolded() {
        let code = "use crate::a::{self, b::{C, d}, E as F};\nuse std::fmt;";
        assert_eq!(
            paths(code),
            ["crate::a::self", "crate::a::b::C", "crate::a::b::d", "crate::a::E"]
        );
    }

    #[test]
    fn paths_in_the_code_count_and_parts_of_longer_ones_do_not() {
        let code = "let x = crate::a::make(super::super::Y);";
        assert_eq!(paths(code), ["crate::a::make", "super::super::Y"]);
    }
}
