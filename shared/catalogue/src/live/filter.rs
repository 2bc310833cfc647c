//! Filters on products, of lists and of search alike.

use toneup_colour::result::PersonalColor;

use super::facts::{Fact, Facts};
use crate::product::Sex;

/// Least weight of a season for a product to be of it.
pub const OF_SEASON: u8 = 30;

/// What products of a list must be. The default admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of a season.
    pub season: Option<PersonalColor>,
    /// Made for somebody; what is made for everybody is, too.
    pub sex: Option<Sex>,
    /// Of a type.
    pub kind: Option<String>,
    /// Of a brand.
    pub brand: Option<String>,
    /// Of a colour, as shops call it.
    pub color: Option<String>,
    /// At least this price, in won.
    pub price_from: Option<u32>,
    /// At most this price, in won.
    pub price_to: Option<u32>,
}

/// A filter whose words have been looked up.
#[derive(Debug, Clone)]
pub struct Admission {
    season: Option<usize>,
    sex: Option<Sex>,
    kind: Option<u32>,
    brand: Option<u32>,
    color: Option<u32>,
    prices: std::ops::RangeInclusive<u32>,
    /// A word that no product has: nothing is admitted.
    is_empty: bool,
}

impl Filter {
    /// Looks the filter's words up.
    pub fn prepare(&self, facts: &Facts) -> Admission {
        let mut is_empty = false;
        let mut look_up = |word: &Option<String>| {
            let number = word.as_deref().map(|word| facts.word(word));
            is_empty |= number == Some(None);
            number.flatten()
        };
        Admission {
            season: self
                .season
                .and_then(|season| PersonalColor::ALL.iter().position(|one| *one == season)),
            sex: self.sex,
            kind: look_up(&self.kind),
            brand: look_up(&self.brand),
            color: look_up(&self.color),
            prices: self.price_from.unwrap_or(0)..=self.price_to.unwrap_or(u32::MAX),
            is_empty,
        }
    }
}

impl Admission {
    /// True if a product passes.
    pub fn admits(&self, fact: &Fact) -> bool {
        !self.is_empty
            && self.prices.contains(&fact.price)
            && self.season.is_none_or(|season| fact.seasons[season] >= OF_SEASON)
            && self.sex.is_none_or(|sex| fact.sex == sex || fact.sex == Sex::Unisex)
            && self.kind.is_none_or(|kind| fact.kind == kind)
            && self.brand.is_none_or(|brand| fact.brand == brand)
            && self.color.is_none_or(|color| fact.color == Some(color))
    }
}
