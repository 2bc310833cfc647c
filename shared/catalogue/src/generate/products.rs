//! Generated products.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

use super::words::{
    BRAND_HEADS, BRAND_TAILS, COLOURS, ENDINGS, FABRICS, Kind, LATIN_HEADS, LATIN_TAILS, STYLES,
    TYPES,
};
use crate::product::colour::Rgb;
use crate::product::palettes::season_weights;
use crate::product::{Product, ProductId, Sex};

/// Keeps the numbers of products apart in the generator's seed.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Brands of a catalogue.
const BRANDS: usize = 400;

/// A catalogue made from a seed. A product depends on the seed and on its number alone.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    seed: u64,
}

impl Catalogue {
    /// Size of the first server's catalogue.
    pub const SIZE: u64 = 40_400;

    /// The catalogue of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(super) fn seed(self) -> u64 {
        self.seed
    }

    /// The product of a number, from 1.
    pub fn product(&self, number: u64) -> Product {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ number.wrapping_mul(STEP));
        let (kind, colour) = (kind(&mut rng), colour(&mut rng));
        let hex = shade(&mut rng, colour.2);
        let name = name(&mut rng, kind, colour);
        let (low, high) = kind.price;
        Product {
            id: ProductId(number),
            brand: self.brand(&mut rng),
            name,
            price: rng.random_range(low..=high) * 1000 - if rng.random_bool(0.6) { 100 } else { 0 },
            kind: kind.name.to_owned(),
            sex: sex(&mut rng, kind),
            color: Some(colour.0.to_owned()),
            hex: Some(hex),
            url: format!("https://shop.example/products/{number}"),
            pictures: vec![format!("https://shop.example/pictures/{number}.jpg")],
            seasons: season_weights(hex),
        }
    }

    /// A brand; few have many products, and many few.
    fn brand(self, rng: &mut impl Rng) -> String {
        let share: f64 = rng.random_range(0.0..1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "0 to 400"
        )]
        let brand = (share * share * BRANDS as f64) as usize;
        brand_name(self.seed, brand)
    }
}

fn brand_name(seed: u64, brand: usize) -> String {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(17) ^ brand as u64);
    if rng.random_bool(0.25) {
        return format!("{}{}", pick(&mut rng, &LATIN_HEADS), pick(&mut rng, &LATIN_TAILS));
    }
    format!("{}{}", pick(&mut rng, &BRAND_HEADS), pick(&mut rng, &BRAND_TAILS))
}

fn pick<'a, T>(rng: &mut impl Rng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

fn kind(rng: &mut impl Rng) -> &'static Kind {
    pick(rng, &TYPES)
}

fn colour(rng: &mut impl Rng) -> &'static (&'static str, &'static str, u32) {
    // A third of what shops sell has no hue.
    if rng.random_bool(0.3) { pick(rng, &COLOURS[..8]) } else { pick(rng, &COLOURS) }
}

/// A shade of a colour, as photographs of a product differ.
fn shade(rng: &mut impl Rng, rgb: u32) -> Rgb {
    let [_, r, g, b] = rgb.to_be_bytes();
    Rgb([r, g, b].map(|channel| channel.saturating_add_signed(rng.random_range(-9..=9))))
}

fn sex(rng: &mut impl Rng, kind: &Kind) -> Sex {
    match (kind.is_unisex, rng.random_range(0..10)) {
        (false, _) | (true, 0..5) => Sex::Female,
        (true, 5..8) => Sex::Male,
        (true, _) => Sex::Unisex,
    }
}

/// A name as shops write them: Korean for the most part, with and without spaces, loanwords now and then in Latin letters.
fn name(rng: &mut impl Rng, kind: &Kind, colour: &(&str, &str, u32)) -> String {
    let is_latin = rng.random_bool(0.08);
    let word =
        |(korean, latin): (&str, &str)| if is_latin { latin.to_owned() } else { korean.to_owned() };
    let mut parts = Vec::new();
    if rng.random_bool(0.85) {
        parts.push(word(*pick(rng, &STYLES)));
    }
    if rng.random_bool(0.55) {
        parts.push(word(*pick(rng, &FABRICS)));
    }
    if rng.random_bool(0.3) {
        parts.push(word(*pick(rng, &STYLES)));
    }
    parts.push(word((kind.name, kind.english)));
    if rng.random_bool(0.25) {
        parts.insert(0, word((colour.0, colour.1)));
    }
    if rng.random_bool(0.15) {
        parts.push((*pick(rng, &ENDINGS)).to_owned());
    }
    let mut name = String::new();
    for part in parts {
        // Shops do not agree on spaces.
        if !name.is_empty() && (is_latin || !part.starts_with(hangul) || rng.random_bool(0.75)) {
            name.push(' ');
        }
        name.push_str(&part);
    }
    name
}

fn hangul(character: char) -> bool {
    ('가'..='힣').contains(&character)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_makes_one_catalogue_and_another_a_different_one() {
        let names =
            |seed| -> Vec<Product> { (1..200).map(|n| Catalogue::new(seed).product(n)).collect() };
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
    }

    #[test]
    fn generated_products_are_valid_and_of_many_kinds() {
        let catalogue = Catalogue::new(1);
        let products: Vec<Product> = (1..=2000).map(|number| catalogue.product(number)).collect();
        for product in &products {
            assert_eq!(product.clone().checked().as_ref(), Ok(product));
        }
        let different =
            |of: fn(&Product) -> &str| products.iter().map(of).collect::<HashSet<_>>().len();
        assert!(different(|product| &product.brand) > 150);
        assert!(different(|product| &product.name) > 1500);
        assert_eq!(different(|product| &product.kind), TYPES.len());
        let seasonal = products.iter().filter(|product| !product.seasons.is_empty()).count();
        assert!(seasonal > 1500, "{seasonal} suit a season");
    }
}
