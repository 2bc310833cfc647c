//! Ranks the products for a person.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use serde::Serialize;
use toneup_colour::result::PersonalColor;
use utoipa::ToSchema;

use super::palette_fit::{PaletteFit, PaletteFits};
use super::score::{Parts, chance, colour_fit, likeness, novelty, popularity};
use super::taste::Taste;
use super::variety::{Candidate, Chosen, EXPLORED, choose};
use crate::embeddings::{DIMENSIONS, HALF, Query, Vectors};
use crate::live::{Admission, Fact, Facts};
use crate::product::ProductId;
use crate::product::colour::Lab;
use crate::product::palettes::distance;

/// Candidates by colour, popularity and novelty, of which variety chooses.
const CANDIDATES: usize = 600;
/// Candidates near to a group of likes.
const NEAR: usize = 150;
/// Groups of likes that are searched for.
const GROUPS: usize = 3;
/// Likes that count.
const LIKES: usize = 20;
/// Likeness from which two likes are of one group.
const ALIKE: f32 = 0.75;
/// Share of the picture in likeness; the rest is the text's.
const PICTURE: f32 = 0.7;
/// Candidates for each product that chance chooses.
const SURPRISES: usize = 3;
/// Difference up to which a colour is said to be of somebody's palette.
const OF_PALETTE: f32 = 10.0;
/// Difference up to which chance may choose a colour.
const SURPRISING: f32 = 15.0;
/// Fit below which a product is not looked at for its likeness alone.
const HOPELESS: f32 = 0.1;

/// What is asked for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The person.
    pub taste: &'a Taste,
    /// Which products may be recommended.
    pub filter: &'a Admission,
    /// What was shown before.
    pub shown: &'a BTreeSet<ProductId>,
    /// Decides what chance decides.
    pub seed: u64,
    /// Number of products.
    pub most: usize,
    /// Seconds since 1970.
    pub now: i64,
}

/// A product, and why it is recommended.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommended {
    /// The product.
    pub product: ProductId,
    /// The strongest reason first; never empty.
    pub why: Vec<Reason>,
}

/// A reason to recommend a product.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Its colour is near to one that suits the person.
    Palette {
        /// The season.
        season: PersonalColor,
        /// The difference from the nearest colour that suits, by CIEDE2000.
        difference: f32,
    },
    /// It is like a product that the person likes.
    Like {
        /// That product.
        #[schema(value_type = u64)]
        product_id: ProductId,
    },
    /// Many people like it.
    Popular,
    /// It is new in the catalogue.
    New,
    /// By chance, for a change.
    Surprise,
}

/// Recommends products.
#[derive(Debug, Default)]
pub struct Recommender {
    fits: PaletteFits,
}

/// What is computed once for a request.
struct Context<'a> {
    facts: &'a Facts,
    request: &'a Request<'a>,
    fit: Option<Arc<PaletteFit>>,
    likes: Likes<'a>,
}

/// The person's latest likes.
struct Likes<'a> {
    facts: Vec<&'a Fact>,
    /// By vector, of those that have one.
    queries: Vec<(ProductId, Query)>,
    /// Those.
    known: HashSet<ProductId>,
    vectors: Option<&'a Vectors>,
}

impl Recommender {
    /// Recommends products, best first. Blocks for some milliseconds. Fails if the embeddings cannot be read.
    pub fn recommend(
        &self,
        facts: &Facts,
        vectors: Option<&Vectors>,
        request: &Request<'_>,
    ) -> io::Result<Vec<Recommended>> {
        let palette = &request.taste.palette;
        let (likes, groups) = Likes::read(facts, vectors, &request.taste.likes)?;
        let fit = (!palette.is_empty()).then(|| self.fits.of(palette));
        let context = Context { facts, request, fit, likes };
        let chosen = choose(context.candidates(&groups)?, request.shown.len(), request.most);
        Ok(chosen.into_iter().map(|chosen| context.explain(&chosen)).collect())
    }
}

impl<'a> Context<'a> {
    /// The products of which variety chooses: those with the best scores, and those near to likes.
    fn candidates(&self, groups: &[Query]) -> io::Result<Vec<Candidate<'a>>> {
        let facts: &'a [Fact] = self.facts.all();
        let mut scored: Vec<(f32, &'a Fact, Parts)> = facts
            .iter()
            .filter(|fact| self.is_wanted(fact))
            .map(|fact| {
                let parts = self.quick(fact);
                (parts.sum(), fact, parts)
            })
            .collect();
        let surprises = self.surprises(&scored);
        let best_first = |one: &(f32, &Fact, Parts), other: &(f32, &Fact, Parts)| -> Ordering {
            other.0.total_cmp(&one.0).then(one.1.id.cmp(&other.1.id))
        };
        let kept = CANDIDATES.max(self.request.most * 2).min(scored.len());
        if kept < scored.len() {
            scored.select_nth_unstable_by(kept, best_first);
            scored.truncate(kept);
        }
        let mut found: HashMap<ProductId, (&'a Fact, Parts)> =
            scored.into_iter().map(|(_, fact, parts)| (fact.id, (fact, parts))).collect();
        found.extend(surprises);
        if let Some(vectors) = self.likes.vectors {
            for group in groups {
                let near = vectors.nearest(group, NEAR, |id| {
                    self.facts
                        .get(id)
                        .is_some_and(|fact| self.is_wanted(fact) && self.is_hopeful(fact))
                })?;
                for fact in near.iter().filter_map(|one| self.facts.get(one.product)) {
                    found.entry(fact.id).or_insert_with(|| (fact, self.quick(fact)));
                }
            }
        }
        let candidate = |(fact, mut parts): (&'a Fact, Parts)| {
            parts.nearness = self.likes.nearness(fact).map_or(0.0, |(nearness, _)| nearness);
            let may_surprise = self.fit.is_none() || self.difference(fact) <= SURPRISING;
            Candidate { fact, parts, may_surprise }
        };
        let mut candidates: Vec<Candidate<'a>> = found.into_values().map(candidate).collect();
        candidates.sort_by_key(|candidate| candidate.fact.id);
        Ok(candidates)
    }

    /// Of all products whose colour suits well enough, those that chance favours.
    fn surprises(&self, scored: &[(f32, &'a Fact, Parts)]) -> Vec<(ProductId, (&'a Fact, Parts))> {
        let may = |fact: &Fact| self.fit.is_none() || self.difference(fact) <= SURPRISING;
        let mut found: Vec<(&'a Fact, Parts)> = scored
            .iter()
            .map(|(_, fact, parts)| (*fact, *parts))
            .filter(|(fact, _)| may(fact))
            .collect();
        let kept = (self.request.most.div_ceil(EXPLORED) * SURPRISES).min(found.len());
        if kept < found.len() {
            found.select_nth_unstable_by(kept, |one, other| {
                other.1.chance.total_cmp(&one.1.chance).then(one.0.id.cmp(&other.0.id))
            });
            found.truncate(kept);
        }
        found.into_iter().map(|(fact, parts)| (fact.id, (fact, parts))).collect()
    }

    fn is_wanted(&self, fact: &Fact) -> bool {
        self.request.filter.admits(fact)
            && !self.request.shown.contains(&fact.id)
            && !self.request.taste.likes.contains(&fact.id)
    }

    fn is_hopeful(&self, fact: &Fact) -> bool {
        self.fit.is_none() || colour_fit(self.difference(fact)) >= HOPELESS
    }

    fn difference(&self, fact: &Fact) -> f32 {
        match (&self.fit, fact.colour) {
            (Some(fit), Some((rgb, _))) => fit.about(rgb),
            _ => f32::INFINITY,
        }
    }

    /// The score without what needs vectors.
    fn quick(&self, fact: &Fact) -> Parts {
        let Request { taste, seed, now, .. } = self.request;
        let trust = 0.5 + 0.5 * taste.confidence;
        Parts {
            colour: if self.fit.is_some() {
                trust * colour_fit(self.difference(fact))
            } else {
                0.0
            },
            nearness: 0.0,
            popularity: popularity(fact.likes, self.facts.most_likes()),
            novelty: novelty(fact.created_at, *now),
            chance: chance(*seed, fact.id.0),
        }
    }

    fn explain(&self, chosen: &Chosen<'_>) -> Recommended {
        let Chosen { candidate: Candidate { fact, parts, .. }, is_surprise } = chosen;
        let mut why: Vec<(f32, Reason)> = Vec::new();
        if let (Some(season), Some((_, lab))) = (self.request.taste.season, fact.colour) {
            let exact = exact_difference(lab, &self.request.taste.palette);
            if exact <= OF_PALETTE {
                why.push((parts.colour, Reason::Palette { season, difference: exact }));
            }
        }
        if let Some((nearness, product_id)) = self.likes.nearness(fact).filter(|near| near.0 > 0.5)
        {
            why.push((nearness, Reason::Like { product_id }));
        }
        if parts.popularity > 0.5 {
            why.push((0.3 * parts.popularity, Reason::Popular));
        }
        if parts.novelty > 0.5 {
            why.push((0.1 * parts.novelty, Reason::New));
        }
        why.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut why: Vec<Reason> = why.into_iter().map(|(_, reason)| reason).collect();
        if *is_surprise || why.is_empty() {
            why.push(Reason::Surprise);
        }
        Recommended { product: fact.id, why }
    }
}

fn exact_difference(lab: Lab, palette: &[Lab]) -> f32 {
    (distance(lab, palette) * 10.0).round() / 10.0
}

impl<'a> Likes<'a> {
    /// Looks likes up, and groups them: what is alike is searched for once.
    fn read(
        facts: &'a Facts,
        vectors: Option<&'a Vectors>,
        likes: &[ProductId],
    ) -> io::Result<(Self, Vec<Query>)> {
        let latest = &likes[..likes.len().min(LIKES)];
        let mut found: Vec<(ProductId, Box<[f32; DIMENSIONS]>)> = Vec::new();
        if let Some(vectors) = vectors {
            for id in latest {
                found.extend(vectors.vector(*id)?.map(|vector| (*id, vector)));
            }
        }
        // Of each group, the first vector and the sum of all.
        let mut groups: Vec<[Box<[f32; DIMENSIONS]>; 2]> = Vec::new();
        for (_, vector) in &found {
            match groups.iter().position(|[first, _]| weighted(first, vector) >= ALIKE) {
                Some(group) => {
                    let sum = groups[group][1].iter_mut();
                    sum.zip(vector.iter()).for_each(|(sum, one)| *sum += one);
                }
                None if groups.len() < GROUPS => groups.push([vector.clone(), vector.clone()]),
                None => {}
            }
        }
        let groups = groups.into_iter().map(|[_, sum]| Query::new(&unit(sum), PICTURE)).collect();
        let query =
            |(id, vector): (ProductId, Box<[f32; DIMENSIONS]>)| (id, Query::new(&vector, PICTURE));
        let queries: Vec<_> = found.into_iter().map(query).collect();
        let known = queries.iter().map(|(id, _)| *id).collect();
        let facts = latest.iter().filter_map(|id| facts.get(*id)).collect();
        Ok((Self { facts, queries, known, vectors }, groups))
    }

    /// How near a product is to the nearest like, 0 to 1, and which that is.
    fn nearness(&self, fact: &Fact) -> Option<(f32, ProductId)> {
        let by_vector = self.queries.iter().filter_map(|(id, query)| {
            let similarity = self.vectors?.about(fact.id, query)?;
            Some((similarity.clamp(0.0, 1.0), *id))
        });
        let has_vector = self.vectors.is_some_and(|vectors| vectors.contains(fact.id));
        let by_facts =
            self.facts.iter().filter(|like| !has_vector || !self.known.contains(&like.id));
        let by_facts = by_facts.map(|like| (likeness(like, fact), like.id));
        by_vector.chain(by_facts).max_by(|one, other| one.0.total_cmp(&other.0))
    }
}

fn weighted(one: &[f32; DIMENSIONS], other: &[f32; DIMENSIONS]) -> f32 {
    let dot = |range: std::ops::Range<usize>| -> f32 {
        one[range.clone()].iter().zip(&other[range]).map(|(a, b)| a * b).sum()
    };
    PICTURE * dot(0..HALF) + (1.0 - PICTURE) * dot(HALF..DIMENSIONS)
}

/// Scales each half to length 1.
fn unit(mut vector: Box<[f32; DIMENSIONS]>) -> Box<[f32; DIMENSIONS]> {
    for half in vector.chunks_mut(HALF) {
        let length = half.iter().map(|number| number * number).sum::<f32>().sqrt();
        if length > 0.0 {
            for number in half {
                *number /= length;
            }
        }
    }
    vector
}
