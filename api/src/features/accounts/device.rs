//! The name of a device, by which its owner recognizes a session.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

/// Longest name, in characters.
const LONGEST: usize = 100;
/// Systems by what their `User-Agent` contains; the first that fits.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CFNetwork", "iPhone"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
];
/// Programs likewise: browsers name those that they descend from as well.
const PROGRAMS: [(&str, &str); 11] = [
    ("ToneUp/", "ToneUp"),
    ("ToneUp_iOS/", "ToneUp"),
    ("toneup-cli", "toneup"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// A name for the device that sends a request, of its `User-Agent`; empty if that says nothing known.
#[derive(Debug, Clone)]
pub(crate) struct Device(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(name(agent.unwrap_or_default())))
    }
}

impl Device {
    /// The name that the client gives, if it gives one; shortened to what is stored.
    pub(crate) fn or(self, given: Option<&str>) -> String {
        let given = given.map(str::trim).filter(|name| !name.is_empty());
        let visible = |c: &char| !c.is_control();
        given.map_or(self.0, |name| name.chars().filter(visible).take(LONGEST).collect())
    }
}

fn name(agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_program_and_system() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        let edge =
            format!("{chrome} Edg/131.0.0.0").replace("X11; Linux x86_64", "Windows NT 10.0");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
        for (agent, expected) in [
            (chrome, "Chrome, Linux"),
            (&edge, "Edge, Windows"),
            (safari, "Safari, iPhone"),
            ("ToneUp/1.2 CFNetwork/1568.200.51 Darwin/24.1.0", "ToneUp, iPhone"),
            ("curl/8.5.0", ""),
        ] {
            assert_eq!(name(agent), expected);
        }
    }

    #[test]
    fn the_clients_own_word_counts_and_is_bounded() {
        let device = || Device("Chrome, Linux".to_owned());
        assert_eq!(device().or(Some(" Mina's phone\n")), "Mina's phone");
        assert_eq!(device().or(Some("  ")), "Chrome, Linux");
        assert_eq!(device().or(Some(&"가".repeat(300))).chars().count(), LONGEST);
    }
}
