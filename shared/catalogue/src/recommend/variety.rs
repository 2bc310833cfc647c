//! Variety: of products with about the same score, those that differ come first (maximal marginal relevance, Carbonell and
//! Goldstein, 1998).

use super::score::{Parts, likeness};
use crate::live::Fact;

/// What likeness to one that is chosen already costs.
const PRICE: f32 = 0.35;
/// Chosen ones that a candidate is compared with: what is further up is out of sight.
const IN_SIGHT: usize = 12;
/// One product in so many is chosen by chance.
pub(super) const EXPLORED: usize = 10;

/// A product that may be recommended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'f> {
    pub(super) fact: &'f Fact,
    pub(super) parts: Parts,
    /// True if it may be chosen by chance: its colour suits well enough.
    pub(super) may_surprise: bool,
}

/// A product that was chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'f> {
    pub(super) candidate: Candidate<'f>,
    /// True if chance chose it.
    pub(super) is_surprise: bool,
}

/// Chooses `most` of the candidates, which go on a list behind `shown` others.
pub(super) fn choose(
    mut candidates: Vec<Candidate<'_>>,
    shown: usize,
    most: usize,
) -> Vec<Chosen<'_>> {
    let mut chosen: Vec<Chosen<'_>> = Vec::with_capacity(most);
    // The likeness to the nearest of those in sight, kept up to date.
    let mut nearest = vec![0.0_f32; candidates.len()];
    while chosen.len() < most && !candidates.is_empty() {
        let is_surprise = (shown + chosen.len()) % EXPLORED == EXPLORED - 1;
        let value = |index: usize| {
            let Candidate { parts, may_surprise, .. } = candidates[index];
            let score = if is_surprise {
                parts.chance + if may_surprise { 1.0 } else { 0.0 }
            } else {
                parts.sum()
            };
            score - PRICE * nearest[index]
        };
        let better = |best: usize, index: usize| {
            let order = value(index).total_cmp(&value(best));
            let order = order.then(candidates[best].fact.id.cmp(&candidates[index].fact.id));
            if order.is_gt() { index } else { best }
        };
        let best = (1..candidates.len()).fold(0, better);
        let candidate = candidates.swap_remove(best);
        nearest.swap_remove(best);
        chosen.push(Chosen { candidate, is_surprise });
        if chosen.len() > IN_SIGHT {
            let seen = &chosen[chosen.len() - IN_SIGHT..];
            for (nearest, candidate) in nearest.iter_mut().zip(&candidates) {
                let likeness = |one: &Chosen<'_>| likeness(one.candidate.fact, candidate.fact);
                *nearest = seen.iter().map(likeness).fold(0.0, f32::max);
            }
        } else {
            for (nearest, other) in nearest.iter_mut().zip(&candidates) {
                *nearest = nearest.max(likeness(candidate.fact, other.fact));
            }
        }
    }
    chosen
}
