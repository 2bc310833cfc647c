//! Differences of colours from palettes, remembered: there are few palettes, and CIEDE2000 is slow.
//!
//! Colours are told apart by the upper five bits of each channel, so that a palette needs 32 kB; what a result is said to
//! be is computed exactly, by whoever says it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::product::colour::{Lab, Rgb};
use crate::product::palettes::distance;

/// Palettes that are remembered.
const PALETTES: usize = 64;
const COLOURS: usize = 1 << 15;
/// Steps of a unit of difference.
const STEPS: f32 = 4.0;

/// Differences of colours from one palette.
#[derive(Debug)]
pub(super) struct PaletteFit {
    palette: Vec<Lab>,
    /// By colour: 0 where it is not known yet, or the steps of the difference, plus 1.
    known: Vec<AtomicU8>,
}

impl PaletteFit {
    fn new(palette: &[Lab]) -> Self {
        let known = std::iter::repeat_with(AtomicU8::default).take(COLOURS).collect();
        Self { palette: palette.to_vec(), known }
    }

    /// The difference of a colour from the nearest one of the palette, to a unit or so; 63 where it is more.
    pub(super) fn about(&self, rgb: Rgb) -> f32 {
        let [r, g, b] = rgb.0.map(|channel| usize::from(channel >> 3));
        let known = &self.known[r << 10 | g << 5 | b];
        let mut steps = known.load(Ordering::Relaxed);
        if steps == 0 {
            // The middle of the colours that are told apart from others only.
            let middle = Rgb(rgb.0.map(|channel| channel & 0xf8 | 4));
            let exact = distance(middle.lab(), &self.palette) * STEPS;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 255")]
            let rounded = (exact.min(253.0) + 1.0).round() as u8;
            steps = rounded;
            known.store(steps, Ordering::Relaxed);
        }
        f32::from(steps - 1) / STEPS
    }
}

/// The palettes that were used last.
#[derive(Debug, Default)]
pub(super) struct PaletteFits(Mutex<VecDeque<Arc<PaletteFit>>>);

impl PaletteFits {
    /// The differences from a palette.
    pub(super) fn of(&self, palette: &[Lab]) -> Arc<PaletteFit> {
        let mut fits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = fits.iter().position(|fit| fit.palette == palette);
        let fit = place.and_then(|place| fits.remove(place));
        let fit = fit.unwrap_or_else(|| Arc::new(PaletteFit::new(palette)));
        fits.push_front(Arc::clone(&fit));
        fits.truncate(PALETTES);
        fit
    }
}

#[cfg(test)]
mod tests {
    use toneup_colour::result::PersonalColor;

    use super::*;
    use crate::product::palettes::palette;

    #[test]
    fn what_is_remembered_is_near_what_is_exact() {
        let fits = PaletteFits::default();
        let fit = fits.of(palette(PersonalColor::Autumn));
        for step in 0..512_u32 {
            let rgb = Rgb([step * 7 % 256, step * 31 % 256, step * 101 % 256]
                .map(|v| u8::try_from(v).unwrap()));
            let exact = distance(rgb.lab(), palette(PersonalColor::Autumn));
            for _ in 0..2 {
                assert!((fit.about(rgb) - exact.min(63.0)).abs() < 4.0, "{rgb}: {exact}");
            }
        }
        assert!(Arc::ptr_eq(&fit, &fits.of(palette(PersonalColor::Autumn))));
        assert!(!Arc::ptr_eq(&fit, &fits.of(palette(PersonalColor::Spring))));
    }
}
