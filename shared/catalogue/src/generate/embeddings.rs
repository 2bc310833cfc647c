//! Generated embeddings, in the form of the first server's file.

use std::io::{self, Write};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

use super::Catalogue;
use crate::product::Product;

/// Length of the picture's half and of the text's half of an embedding.
const HALF: usize = 512;
/// Share of a picture's vector that is its own, and of no other product of its type and colour.
const OWN: f32 = 0.8;

/// Writes embeddings of the first `count` products: one JSON array on one line, of `{"product_id": …, "embedding": […]}` with
/// 1,024 numbers each, as Python's `json.dump` writes them (about 22.6 kB each). Products of one type, colour or sex have
/// similar ones. `progress` is told of each product.
pub fn write_embeddings(
    catalogue: Catalogue,
    count: u64,
    mut file: impl Write,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let mut line = Vec::with_capacity(24 * 1024);
    file.write_all(b"[")?;
    for number in 1..=count {
        line.clear();
        if number > 1 {
            line.extend_from_slice(b", ");
        }
        write!(line, "{{\"product_id\": {number}, \"embedding\": [")?;
        let vector = embedding(catalogue, &catalogue.product(number));
        for (index, value) in vector.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            // As a double, which is how Python writes numbers of single precision.
            write!(line, "{separator}{}", f64::from(*value))?;
        }
        line.extend_from_slice(b"]}");
        file.write_all(&line)?;
        progress(number);
    }
    file.write_all(b"]")?;
    file.flush()
}

/// The embedding of a product: picture and text, each of length 1.
pub fn embedding(catalogue: Catalogue, product: &Product) -> Vec<f32> {
    let colour = product.color.as_deref().unwrap_or_default();
    let own = direction(catalogue.seed() ^ product.id.0.rotate_left(32));
    let shared = [
        direction(hash(&product.kind)),
        direction(hash(colour)),
        direction(hash(product.sex.as_str())),
    ];
    let blend = |own_share: f32| {
        let sum: Vec<f32> = (0..HALF)
            .map(|i| own_share * own[i] + shared.iter().map(|vector| vector[i]).sum::<f32>())
            .collect();
        normalized(sum)
    };
    let mut whole = blend(OWN);
    whole.extend(blend(0.0));
    whole
}

fn direction(seed: u64) -> Vec<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    normalized((0..HALF).map(|_| gaussian(&mut rng)).collect())
}

/// About normally distributed: the sum of four uniform numbers.
fn gaussian(rng: &mut impl Rng) -> f32 {
    (0..4).map(|_| rng.random_range(-1.0_f32..1.0)).sum()
}

fn normalized(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

/// FNV-1a, which is the same in every release.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_array_of_vectors_whose_halves_have_length_one() {
        let mut file = Vec::new();
        write_embeddings(Catalogue::new(1), 3, &mut file, |_| {}).unwrap();
        let size = file.len() / 3;
        assert!((20_000..24_000).contains(&size), "{size} bytes a record");
        let array: serde_json::Value = serde_json::from_slice(&file).unwrap();
        for (index, record) in array.as_array().unwrap().iter().enumerate() {
            assert_eq!(record["product_id"], index + 1);
            let vector: Vec<f64> = record["embedding"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            assert_eq!(vector.len(), 2 * HALF);
            for half in vector.chunks(HALF) {
                let length = half.iter().map(|value| value * value).sum::<f64>().sqrt();
                assert!((length - 1.0).abs() < 1e-5, "{length}");
            }
        }
    }

    #[test]
    fn products_of_one_type_and_colour_are_nearer_than_others() {
        let catalogue = Catalogue::new(1);
        let mut product = catalogue.product(1);
        let one = embedding(catalogue, &product);
        product.id.0 = 2;
        let same = embedding(catalogue, &product);
        product.kind = "다른 것".to_owned();
        product.color = Some("다른 색".to_owned());
        let other = embedding(catalogue, &product);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert!(dot(&one, &same) > dot(&one, &other) + 0.5);
    }
}
