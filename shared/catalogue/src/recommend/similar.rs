//! Products that are like one product.

use std::io;

use super::score::likeness;
use crate::embeddings::{Query, Vectors};
use crate::live::{Fact, Facts};
use crate::product::{ProductId, Sex};

/// Share of the picture in likeness; the rest is the text's.
const PICTURE: f32 = 0.7;

/// The `most` products nearest to a product that are not made for others than it is; `None` if it is not there. By
/// embeddings, or by type, brand and colour where it has none. Blocks for some milliseconds.
pub fn similar(
    facts: &Facts,
    vectors: Option<&Vectors>,
    product: ProductId,
    most: usize,
) -> io::Result<Option<Vec<ProductId>>> {
    let Some(own) = facts.get(product) else { return Ok(None) };
    let is_wanted = |other: &Fact| {
        other.id != product
            && (other.sex == own.sex || own.sex == Sex::Unisex || other.sex == Sex::Unisex)
    };
    if let Some(vectors) = vectors
        && let Some(vector) = vectors.vector(product)?
    {
        let query = Query::new(&vector, PICTURE);
        let wanted = |id| facts.get(id).is_some_and(is_wanted);
        let near = vectors.nearest(&query, most, wanted)?;
        return Ok(Some(near.into_iter().map(|one| one.product).collect()));
    }
    let mut all: Vec<(f32, ProductId)> = facts
        .all()
        .iter()
        .filter(|other| is_wanted(other))
        .map(|other| (likeness(own, other), other.id))
        .collect();
    all.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    Ok(Some(all.into_iter().take(most).map(|(_, id)| id).collect()))
}
