//! The facts of products that scores and filters need: about 100 bytes each.

use std::collections::HashMap;

use toneup_colour::result::PersonalColor;

use crate::product::colour::{Lab, Rgb};
use crate::product::store::StoredProduct;
use crate::product::{ProductId, Sex};

/// Facts of one product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// The product.
    pub id: ProductId,
    /// Number of the brand's name.
    pub brand: u32,
    /// Number of the type's name.
    pub kind: u32,
    /// Number of the colour's name.
    pub color: Option<u32>,
    /// Whom it is made for.
    pub sex: Sex,
    /// In won.
    pub price: u32,
    /// The colour, as given and in CIE Lab.
    pub colour: Option<(Rgb, Lab)>,
    /// How well it suits each season, in their order: 0 to 100.
    pub seasons: [u8; 4],
    /// When it came into the catalogue, in seconds since 1970.
    pub created_at: i64,
    /// How many people like it.
    pub likes: u32,
}

/// Facts of all products.
#[derive(Debug, Default)]
pub struct Facts {
    all: Vec<Fact>,
    places: HashMap<ProductId, usize>,
    words: HashMap<String, u32>,
    most_likes: u32,
}

impl Facts {
    /// All facts, in no order.
    pub fn all(&self) -> &[Fact] {
        &self.all
    }

    /// The facts of a product.
    pub fn get(&self, id: ProductId) -> Option<&Fact> {
        self.places.get(&id).map(|place| &self.all[*place])
    }

    /// The likes of the product that has most.
    pub fn most_likes(&self) -> u32 {
        self.most_likes
    }

    /// The number of a word (a brand, a type or a colour, compared without regard to case); `None` if no product has it.
    pub fn word(&self, word: &str) -> Option<u32> {
        self.words.get(&key(word)).copied()
    }

    /// Inserts a product, or replaces its facts; the likes stay.
    pub fn insert(&mut self, stored: &StoredProduct) {
        let product = &stored.product;
        let mut seasons = [0; 4];
        for (place, season) in seasons.iter_mut().zip(PersonalColor::ALL) {
            let weight = product.seasons.iter().find(|one| one.season == season);
            *place = weight.map_or(0, |one| one.weight);
        }
        let fact = Fact {
            id: product.id,
            brand: self.number(&product.brand),
            kind: self.number(&product.kind),
            color: product.color.as_deref().map(|color| self.number(color)),
            sex: product.sex,
            price: product.price,
            colour: product.hex.map(|rgb| (rgb, rgb.lab())),
            seasons,
            created_at: stored.created_at.unix_timestamp(),
            likes: self.get(product.id).map_or(0, |before| before.likes),
        };
        if let Some(place) = self.places.get(&product.id) {
            self.all[*place] = fact;
        } else {
            self.places.insert(product.id, self.all.len());
            self.all.push(fact);
        }
    }

    /// Removes a product.
    pub fn remove(&mut self, id: ProductId) {
        let Some(place) = self.places.remove(&id) else { return };
        self.all.swap_remove(place);
        if let Some(moved) = self.all.get(place) {
            self.places.insert(moved.id, place);
        }
    }

    /// Sets how many people like each product; of one that is not named, nobody.
    pub fn set_likes(&mut self, likes: &HashMap<ProductId, u32>) {
        self.most_likes = 0;
        for fact in &mut self.all {
            fact.likes = likes.get(&fact.id).copied().unwrap_or(0);
            self.most_likes = self.most_likes.max(fact.likes);
        }
    }

    fn number(&mut self, word: &str) -> u32 {
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        *self.words.entry(key(word)).or_insert(next)
    }
}

fn key(word: &str) -> String {
    word.to_lowercase()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::generate::Catalogue;

    #[test]
    fn facts_follow_inserts_and_removals() {
        let catalogue = Catalogue::new(1);
        let stored = |number| StoredProduct {
            product: catalogue.product(number),
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        let mut facts = Facts::default();
        (1..=20).for_each(|number| facts.insert(&stored(number)));
        facts.set_likes(&HashMap::from([(ProductId(20), 3)]));
        let mut changed = stored(20);
        changed.product.price = 77;
        facts.insert(&changed);
        [1, 20, 7, 7].map(ProductId).into_iter().for_each(|id| facts.remove(id));
        facts.insert(&changed);
        assert_eq!(facts.all().len(), 18);
        for number in 1..=20 {
            let found = facts.get(ProductId(number)).map(|fact| fact.id.0);
            assert_eq!(found, [1, 7].iter().all(|gone| *gone != number).then_some(number));
        }
        assert_eq!(facts.get(ProductId(20)).unwrap().price, 77);
        assert!(facts.word(&stored(2).product.brand.to_uppercase()).is_some());
        assert_eq!(facts.word("nobody's"), None);
    }
}
