//! The rules for the parts of a product, and the form in which they are stored.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::palettes::season_weights;
use super::{Product, SeasonWeight};

/// Most pictures of a product.
pub const MOST_PICTURES: usize = 20;
const HIGHEST_PRICE: u32 = 100_000_000;
const LONGEST_URL: usize = 1000;

/// A part of a product that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct FieldFault {
    /// The member's name.
    pub field: &'static str,
    /// What was expected.
    pub detail: String,
}

fn fault(field: &'static str, detail: impl Into<String>) -> FieldFault {
    FieldFault { field, detail: detail.into() }
}

impl Product {
    /// Returns the product as it is stored: texts in Unicode's form NFC without white space around them, seasons in order,
    /// derived from the colour where none are given. Fails with the first part that breaks a rule.
    pub fn checked(mut self) -> Result<Self, FieldFault> {
        // BIGINT on the wire to clients that read signed numbers.
        if self.id.0 == 0 || i64::try_from(self.id.0).is_err() {
            return Err(fault("id", "expected a number from 1 to 9223372036854775807"));
        }
        self.brand = text("brand", &self.brand, 100)?;
        self.name = text("name", &self.name, 200)?;
        self.kind = text("type", &self.kind, 40)?;
        if self.price > HIGHEST_PRICE {
            return Err(fault("price", format!("expected at most {HIGHEST_PRICE} won")));
        }
        self.color = match self.color.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(color) => Some(text("color", color, 40)?),
        };
        self.url = address("url", &self.url)?;
        if self.pictures.len() > MOST_PICTURES {
            return Err(fault("pictures", format!("expected at most {MOST_PICTURES}")));
        }
        self.pictures = self
            .pictures
            .iter()
            .map(|picture| address("pictures", picture))
            .collect::<Result<_, _>>()?;
        self.seasons = seasons(self.seasons)?;
        if let (true, Some(hex)) = (self.seasons.is_empty(), self.hex) {
            self.seasons = season_weights(hex);
        }
        Ok(self)
    }

    /// The digest by which a repeated import recognizes what has not changed.
    pub fn digest(&self) -> [u8; 16] {
        // A product of checked parts is always written: strings, numbers and enums.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(&text)[..16]);
        digest
    }
}

fn text(field: &'static str, value: &str, longest: usize) -> Result<String, FieldFault> {
    let value: String = value.trim().nfc().collect();
    let length = value.chars().count();
    if length == 0 || length > longest {
        return Err(fault(field, format!("expected 1 to {longest} characters, found {length}")));
    }
    if value.chars().any(char::is_control) {
        return Err(fault(field, "expected no control characters"));
    }
    Ok(value)
}

fn address(field: &'static str, value: &str) -> Result<String, FieldFault> {
    let value = value.trim();
    if value.len() > LONGEST_URL {
        return Err(fault(field, format!("expected at most {LONGEST_URL} characters")));
    }
    let parsed = Url::parse(value).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    match parsed {
        Some(url) if url.has_host() && url.as_str().len() <= LONGEST_URL => Ok(url.into()),
        _ => Err(fault(field, "expected an http or https address")),
    }
}

fn seasons(mut weights: Vec<SeasonWeight>) -> Result<Vec<SeasonWeight>, FieldFault> {
    if let Some(wrong) = weights.iter().find(|one| !(1..=100).contains(&one.weight)) {
        let detail = format!("expected a weight of 1 to 100, found {}", wrong.weight);
        return Err(fault("seasons", detail));
    }
    let different: BTreeSet<_> = weights.iter().map(|one| one.season).collect();
    if different.len() < weights.len() {
        return Err(fault("seasons", "expected each season once"));
    }
    weights.sort_by_key(|one| one.season);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn product(change: &serde_json::Value) -> Product {
        let mut whole = json!({
            "id": 7, "brand": " 무드온 ", "name": "리넨 블라우스", "price": 39000, "type": "블라우스",
            "sex": "FEMALE", "url": "https://shop.example/7",
        });
        for (name, value) in change.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn each_rule_names_its_field() {
        for (field, value) in [
            ("id", json!(0)),
            ("id", json!(u64::MAX)),
            ("brand", json!("  ")),
            ("name", json!("가".repeat(201))),
            ("name", json!("a\u{0}b")),
            ("type", json!("")),
            ("price", json!(100_000_001)),
            ("color", json!("가".repeat(41))),
            ("url", json!("javascript:alert(1)")),
            ("url", json!(format!("https://a.example/{}", "x".repeat(1000)))),
            ("pictures", json!(["/a.jpg"])),
            ("pictures", json!(vec!["https://a.example/"; 21])),
            ("seasons", json!([{ "season": "SPRING", "weight": 0 }])),
            (
                "seasons",
                json!([{ "season": "SPRING", "weight": 1 }, { "season": "SPRING", "weight": 2 }]),
            ),
        ] {
            let refused = product(&json!({ field: value })).checked().unwrap_err();
            assert_eq!(refused.field, field, "{value}");
        }
    }

    #[test]
    fn texts_are_trimmed_and_composed_and_the_digest_follows_what_is_stored() {
        let plain = product(&json!({})).checked().unwrap();
        assert_eq!(plain.brand, "무드온");
        let decomposed: String = "리넨 블라우스".nfd().collect();
        let same = product(&json!({ "name": decomposed, "brand": "무드온" })).checked().unwrap();
        assert_eq!((&same, same.digest()), (&plain, plain.digest()));
        let other = product(&json!({ "price": 39001 })).checked().unwrap();
        assert_ne!(other.digest(), plain.digest());
    }

    #[test]
    fn seasons_follow_from_the_colour_unless_they_are_given() {
        let derived = product(&json!({ "hex": "#FF8A78" })).checked().unwrap();
        assert!(!derived.seasons.is_empty());
        let given = json!({ "hex": "#FF8A78", "seasons": [{ "season": "WINTER", "weight": 5 }] });
        assert_eq!(product(&given).checked().unwrap().seasons.len(), 1);
    }
}
