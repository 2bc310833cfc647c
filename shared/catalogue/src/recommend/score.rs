//! The score of a product for a person.

use crate::live::Fact;
use crate::product::colour::Lab;

/// Difference from the palette at which the fit of a colour has fallen to a third.
const FALL: f32 = 5.0;
/// Time in which a product counts as new, in seconds: 30 days.
const NEW: f32 = 30.0 * 86_400.0;

const COLOUR: f32 = 1.0;
const NEARNESS: f32 = 0.8;
const POPULARITY: f32 = 0.15;
const NOVELTY: f32 = 0.1;
const CHANCE: f32 = 0.2;

/// The parts of a score, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Parts {
    /// How well the colour suits the person, weighted by the analysis's confidence.
    pub(super) colour: f32,
    /// How near it is to what the person likes.
    pub(super) nearness: f32,
    /// How many people like it, compared with the product that most like.
    pub(super) popularity: f32,
    /// How new it is.
    pub(super) novelty: f32,
    /// Differs by person and day, so that not all see the same.
    pub(super) chance: f32,
}

impl Parts {
    /// The score.
    pub(super) fn sum(self) -> f32 {
        COLOUR * self.colour
            + NEARNESS * self.nearness
            + POPULARITY * self.popularity
            + NOVELTY * self.novelty
            + CHANCE * self.chance
    }
}

/// How well a colour suits, by its difference from the palette.
pub(super) fn colour_fit(difference: f32) -> f32 {
    (-difference / FALL).exp()
}

/// How much likes count: the second hundred less than the first.
pub(super) fn popularity(likes: u32, most: u32) -> f32 {
    if most == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a logarithm needs no more")]
    let log = |count: u32| (count as f32).ln_1p();
    log(likes) / log(most)
}

/// How new a product is.
pub(super) fn novelty(created_at: i64, now: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "days need no more")]
    let age = (now - created_at).max(0) as f32;
    (-age / NEW).exp()
}

/// A number from 0 to 1 that depends on the seed and the product alone.
pub(super) fn chance(seed: u64, product: u64) -> f32 {
    // splitmix64 (Steele, Lea, Flood, 2014).
    let mut mixed = seed ^ product.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    #[expect(clippy::cast_precision_loss, reason = "24 bits are kept")]
    let share = (mixed >> 40) as f32 / (1_u64 << 24) as f32;
    share
}

/// How alike two products are by type, brand and colour, 0 to 1.
pub(super) fn likeness(one: &Fact, other: &Fact) -> f32 {
    let same = |is: bool, share: f32| if is { share } else { 0.0 };
    let colour = match (one.colour, other.colour) {
        (Some((_, one)), Some((_, other))) => (1.0 - euclid(one, other) / 30.0).max(0.0),
        _ => 0.0,
    };
    same(one.kind == other.kind, 0.45) + same(one.brand == other.brand, 0.25) + 0.3 * colour
}

/// The distance in CIE Lab (CIE 1976): quick, and enough to tell products apart.
fn euclid(one: Lab, other: Lab) -> f32 {
    ((one.l - other.l).powi(2) + (one.a - other.a).powi(2) + (one.b - other.b).powi(2)).sqrt()
}
