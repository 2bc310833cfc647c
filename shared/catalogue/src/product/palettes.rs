//! The colours that suit each season: those of the analyzer, of all subtypes of a season.

use std::sync::LazyLock;

use serde::Deserialize;
use toneup_colour::result::PersonalColor;

use super::SeasonWeight;
use super::colour::{Lab, Rgb, difference};

/// Difference from a palette up to which a colour suits its season wholly, and from which it does not at all.
const SUITS: f32 = 4.0;
const SUITS_NOT: f32 = 24.0;

#[derive(Deserialize)]
struct Palettes {
    subtypes: std::collections::BTreeMap<String, Subtype>,
}

#[derive(Deserialize)]
struct Subtype {
    suits: Vec<Rgb>,
}

static PALETTES: LazyLock<Vec<(PersonalColor, Vec<Lab>)>> = LazyLock::new(|| {
    let json = include_str!("../../../../analyzer/app/vision/palettes.json");
    // A test reads the file that is compiled in.
    let Ok(palettes) = serde_json::from_str::<Palettes>(json) else { return Vec::new() };
    let of = |season: PersonalColor| {
        let subtypes = palettes.subtypes.iter();
        let own = subtypes.filter(|(name, _)| name.ends_with(season.as_str()));
        (season, own.flat_map(|(_, subtype)| &subtype.suits).map(|rgb| rgb.lab()).collect())
    };
    PersonalColor::ALL.into_iter().map(of).collect()
});

/// The colours that suit a season.
pub fn palette(season: PersonalColor) -> &'static [Lab] {
    let found = PALETTES.iter().find(|(of, _)| *of == season);
    found.map_or(&[], |(_, palette)| palette.as_slice())
}

/// The difference of a colour from the nearest one of a palette; infinite where the palette is empty.
pub fn distance(colour: Lab, palette: &[Lab]) -> f32 {
    palette.iter().map(|other| difference(colour, *other)).fold(f32::INFINITY, f32::min)
}

/// How well a colour at a distance from a palette suits it, 0 to 1.
pub fn fit(distance: f32) -> f32 {
    (1.0 - (distance - SUITS) / (SUITS_NOT - SUITS)).clamp(0.0, 1.0)
}

/// The seasons that a colour suits, and how well.
pub fn season_weights(colour: Rgb) -> Vec<SeasonWeight> {
    let lab = colour.lab();
    let weigh = |season: PersonalColor| {
        let percent = fit(distance(lab, palette(season))) * 100.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let weight = percent.round() as u8;
        (weight > 0).then_some(SeasonWeight { season, weight })
    };
    PersonalColor::ALL.into_iter().filter_map(weigh).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_season_has_the_colours_of_its_subtypes() {
        for season in PersonalColor::ALL {
            assert_eq!(palette(season).len(), 30, "{season:?}");
        }
    }

    #[test]
    fn a_colour_of_a_palette_suits_its_season_wholly_and_the_opposite_less() {
        let weight = |hex: &str, season| {
            let weights = season_weights(hex.parse().unwrap());
            weights.iter().find(|one| one.season == season).map_or(0, |one| one.weight)
        };
        // Of a light spring, and of a deep winter.
        for (hex, own, other) in [
            ("#FED089", PersonalColor::Spring, PersonalColor::Winter),
            ("#4B326A", PersonalColor::Winter, PersonalColor::Spring),
        ] {
            assert_eq!(weight(hex, own), 100, "{hex}");
            assert!(weight(hex, other) < 50, "{hex}: {}", weight(hex, other));
        }
    }
}
