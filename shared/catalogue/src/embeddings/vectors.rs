//! The current generation of embeddings, and the search for the nearest ones: every vector is compared, by its integers; the
//! best are compared again in half precision, which stays in the file.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::dimensions::{DIMENSIONS, HALF};
use super::files::{FILES, current};
use super::quantize::{CODE_BYTES, Codes, EXACT_BYTES, quantize, read_exact};
use crate::product::ProductId;

/// Candidates that are compared again, at least.
const CANDIDATES: usize = 200;
/// Candidates for each neighbour that is asked for.
const CANDIDATES_EACH: usize = 4;

/// Error: a generation cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the embeddings in {directory}")]
pub struct OpenError {
    directory: PathBuf,
    source: io::Error,
}

/// The vectors of a generation. Memory: about 1 kB each.
#[derive(Debug)]
pub struct Vectors {
    generation: String,
    ids: Vec<ProductId>,
    positions: HashMap<ProductId, u32>,
    scales: Vec<[f32; 2]>,
    codes: Vec<i8>,
    exact: File,
}

/// A product near to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The product.
    pub product: ProductId,
    /// Similarity, −1 to 1: the cosine of the two, weighted as the query says.
    pub similarity: f32,
}

/// A vector to compare with.
#[derive(Debug, Clone)]
pub struct Query {
    vector: Box<[f32; DIMENSIONS]>,
    codes: Codes,
}

impl Query {
    /// Compares with a vector whose halves have length 1. `picture` is the share, 0 to 1, that the picture's half has of the
    /// similarity.
    pub fn new(vector: &[f32; DIMENSIONS], picture: f32) -> Self {
        let mut vector = Box::new(*vector);
        for (half, share) in vector.chunks_mut(HALF).zip([picture, 1.0 - picture]) {
            for number in half {
                *number *= share;
            }
        }
        let codes = quantize(&vector);
        Self { vector, codes }
    }
}

impl Vectors {
    /// The generation that is to be read; `None` before the first load.
    pub fn current(directory: &Path) -> Result<Option<String>, OpenError> {
        current(directory).map_err(|source| OpenError { directory: directory.to_owned(), source })
    }

    /// Opens a generation.
    pub fn open(directory: &Path, generation: &str) -> Result<Self, OpenError> {
        let directory = directory.join(generation);
        let opened = Self::read(&directory, generation);
        opened.map_err(|source| OpenError { directory, source })
    }

    fn read(directory: &Path, generation: &str) -> io::Result<Self> {
        let [(ids, id_bytes), (codes, _), (exact, _)] = FILES;
        let stored = fs::read(directory.join(ids))?;
        let exact = File::open(directory.join(exact))?;
        let records = stored.len() / id_bytes;
        let ids: Vec<ProductId> =
            stored.as_chunks::<8>().0.iter().map(|id| ProductId(u64::from_le_bytes(*id))).collect();
        let stored = fs::read(directory.join(codes))?;
        let exact_length = usize::try_from(exact.metadata()?.len()).unwrap_or(usize::MAX);
        if stored.len() != records * CODE_BYTES || exact_length != records * EXACT_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the files differ in length"));
        }
        let mut scales = Vec::with_capacity(records);
        let mut codes = Vec::with_capacity(records * DIMENSIONS);
        for row in stored.as_chunks::<CODE_BYTES>().0 {
            let scale =
                |at: usize| f32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
            scales.push([scale(0), scale(4)]);
            codes.extend(row[8..].iter().map(|code| code.cast_signed()));
        }
        let positions = (0..).zip(&ids).map(|(position, id)| (*id, position)).collect();
        Ok(Self { generation: generation.to_owned(), ids, positions, scales, codes, exact })
    }

    /// Name of the generation.
    pub fn generation(&self) -> &str {
        &self.generation
    }

    /// Number of products.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// True if a product has a vector.
    pub fn contains(&self, product: ProductId) -> bool {
        self.positions.contains_key(&product)
    }

    /// The vector of a product; `None` if it has none.
    pub fn vector(&self, product: ProductId) -> io::Result<Option<Box<[f32; DIMENSIONS]>>> {
        self.positions.get(&product).map(|position| self.exact(*position)).transpose()
    }

    fn exact(&self, position: u32) -> io::Result<Box<[f32; DIMENSIONS]>> {
        let mut row = [0; EXACT_BYTES];
        let offset = u64::from(position) * u64::try_from(EXACT_BYTES).unwrap_or(u64::MAX);
        self.exact.read_exact_at(&mut row, offset)?;
        Ok(read_exact(&row))
    }

    /// The similarity of a product to a query by integers, a thousandth or so off; `None` if it has no vector.
    pub fn about(&self, product: ProductId, query: &Query) -> Option<f32> {
        self.positions.get(&product).map(|position| self.rough(*position as usize, query))
    }

    fn rough(&self, position: usize, query: &Query) -> f32 {
        let codes = &self.codes[position * DIMENSIONS..][..DIMENSIONS];
        let (picture, text) = codes.split_at(HALF);
        let (query_picture, query_text) = query.codes.codes.split_at(HALF);
        let [picture_scale, text_scale] = self.scales[position];
        let [query_picture_scale, query_text_scale] = query.codes.scales;
        dot(picture, query_picture) * picture_scale * query_picture_scale
            + dot(text, query_text) * text_scale * query_text_scale
    }

    /// The `most` products nearest to a query of those that `wanted` admits, nearest first. Blocks for some milliseconds.
    pub fn nearest(
        &self,
        query: &Query,
        most: usize,
        mut wanted: impl FnMut(ProductId) -> bool,
    ) -> io::Result<Vec<Neighbour>> {
        let kept = CANDIDATES.max(most.saturating_mul(CANDIDATES_EACH));
        let mut best: BinaryHeap<Reverse<(Ordered, Reverse<u32>)>> =
            BinaryHeap::with_capacity(kept + 1);
        for (position, id) in (0_u32..).zip(&self.ids) {
            if !wanted(*id) {
                continue;
            }
            let entry = (Ordered(self.rough(position as usize, query)), Reverse(position));
            if best.len() < kept {
                best.push(Reverse(entry));
            } else if best.peek().is_some_and(|Reverse(worst)| *worst < entry) {
                best.pop();
                best.push(Reverse(entry));
            }
        }
        let mut found = Vec::with_capacity(best.len());
        for Reverse((_, Reverse(position))) in best {
            let vector = self.exact(position)?;
            let similarity = vector.iter().zip(query.vector.iter()).map(|(a, b)| a * b).sum();
            found.push(Neighbour { product: self.ids[position as usize], similarity });
        }
        found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.product.cmp(&b.product)));
        found.truncate(most);
        Ok(found)
    }
}

/// A number in the order of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The dot product. In whole numbers and blocks of a fixed length, which compilers turn into vector instructions.
fn dot(one: &[i8], other: &[i8]) -> f32 {
    let blocks = one.as_chunks::<64>().0.iter().zip(other.as_chunks::<64>().0);
    let sum: i32 = blocks
        .map(|(one, other)| {
            one.iter().zip(other).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>()
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 512 * 127 * 127, which is below 2^24")]
    let sum = sum as f32;
    sum
}
