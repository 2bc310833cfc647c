//! The origins whose pages may use the service: one list, for the API's CORS headers and the bucket's CORS rule alike, so
//! that a page that may call can upload, too.

use serde::Deserialize;
use url::{Host, Url};

use crate::config::{ConfigError, Section, Settings};

/// Pages that may call the API and upload to the bucket from a browser.
#[derive(Debug, Deserialize)]
struct OriginSettings {
    /// Origin of the page. Its loopback twin is meant as well: `http://127.0.0.1:8080` and `http://localhost:8080`.
    page_origin: Url,
    /// Further origins (`https://app.example.com`), separated by commas, whose pages may call the API and upload
    /// (`toneup bucket` gives the bucket its CORS rule).
    cors_origins: Option<String>,
}

impl Section for OriginSettings {
    const DEFAULTS: &'static str = r#"page_origin = "http://127.0.0.1:8080""#;
}

/// The origins whose pages may call and upload, each once, as browsers write them (RFC 6454 §6.2). The page's is the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrigins {
    page: Url,
    all: Vec<String>,
}

impl PageOrigins {
    /// Reads `PAGE_ORIGIN` and `CORS_ORIGINS`.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let OriginSettings { page_origin, cors_origins } = settings.section()?;
        let more = cors_origins.as_deref().map(parse).transpose()?;
        Ok(Self::of(&page_origin, more.unwrap_or_default()))
    }

    /// The page's origin, its twin where it is on this machine, and `more`.
    pub fn of(page: &Url, more: Vec<String>) -> Self {
        let mut origins = vec![page.origin().ascii_serialization()];
        for origin in loopback_twin(page).into_iter().chain(more) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Self { page: page.clone(), all: origins }
    }

    /// Address of the page.
    pub fn page(&self) -> &Url {
        &self.page
    }

    /// Returns true if the page is served over https.
    pub fn are_secure(&self) -> bool {
        self.page.scheme() == "https"
    }

    /// Returns all allowed origins.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(String::as_str)
    }
}

/// Origins, separated by commas. A wildcard is none: tokens are sent along.
fn parse(text: &str) -> Result<Vec<String>, ConfigError> {
    let origin = |text: &str| {
        let origin = text.parse::<Url>().ok()?.origin();
        (origin.is_tuple() && origin.ascii_serialization() == text).then(|| text.to_owned())
    };
    let parsed: Option<Vec<String>> = text.split(',').map(|part| origin(part.trim())).collect();
    parsed.ok_or_else(|| {
        let expected = "origins such as https://app.example.com, separated by commas";
        ConfigError::invalid("CORS_ORIGINS", expected)
    })
}

/// The same page by the other name of this machine: browsers hold the two for different origins, people for one.
fn loopback_twin(page: &Url) -> Option<String> {
    let twin = match page.host()? {
        Host::Domain("localhost") => "127.0.0.1",
        Host::Ipv4(address) if address.is_loopback() => "localhost",
        _ => return None,
    };
    let mut page = page.clone();
    page.set_host(Some(twin)).ok()?;
    Some(page.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn load(vars: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let vars: HashMap<_, _> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let origins = PageOrigins::load(&Settings::from_vars(vars));
        origins.map(|origins| origins.all).map_err(|error| error.to_string())
    }

    #[test]
    fn the_page_is_known_by_both_names_of_this_machine() {
        let both = ["http://127.0.0.1:8080", "http://localhost:8080"];
        assert_eq!(load(&[]).unwrap(), both);
        let named = load(&[("PAGE_ORIGIN", "http://localhost:8080/")]).unwrap();
        assert_eq!(named, [both[1], both[0]]);
        let elsewhere = load(&[("PAGE_ORIGIN", "https://toneup.example/start")]).unwrap();
        assert_eq!(elsewhere, ["https://toneup.example"]);
    }

    #[test]
    fn further_origins_are_schemes_with_hosts_and_nothing_else() {
        let with = |text| load(&[("PAGE_ORIGIN", "https://a.example"), ("CORS_ORIGINS", text)]);
        let several = with("https://b.example, http://c.example:8080,https://a.example").unwrap();
        assert_eq!(several, ["https://a.example", "https://b.example", "http://c.example:8080"]);
        for text in ["*", "b.example", "https://b.example/", "https://b.example/x", "https://b,"] {
            let refused = with(text).unwrap_err();
            assert!(refused.starts_with("CORS_ORIGINS: expected origins"), "{text}");
        }
    }
}
