//! The place on our page to which somebody returns after signing in.

use url::Url;

/// Longest place, in bytes.
const LONGEST: usize = 512;

/// A path of our own page, with its query; never another site's.
pub(super) fn check(origin: &Url, wanted: Option<&str>) -> Option<String> {
    let wanted = wanted.unwrap_or("/");
    // What browsers correct would be read otherwise there than here.
    let is_plain = |c: char| c.is_ascii_graphic() && c != '\\' && c != '#';
    let is_local = wanted.starts_with('/') && !wanted.starts_with("//");
    if wanted.len() > LONGEST || !is_local || !wanted.chars().all(is_plain) {
        return None;
    }
    let url = origin.join(wanted).ok()?;
    (url.origin() == origin.origin()).then(|| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_returned_to() {
        let origin: Url = "https://toneup.example".parse().unwrap();
        let check = |wanted| check(&origin, wanted);
        assert_eq!(check(None).as_deref(), Some("/"));
        for good in ["/", "/people/7", "/search?q=a%20b&x=//y"] {
            assert_eq!(check(Some(good)).as_deref(), Some(good));
        }
        for bad in [
            "",
            "people",
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a b",
            "/a\r\nSet-Cookie: x",
            "/#signed-in",
            "/가",
            "javascript:alert(1)",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert_eq!(check(Some(bad)), None, "{bad}");
        }
    }
}
