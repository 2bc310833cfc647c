//! Parses one record of a file of embeddings.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::dimensions::{DIMENSIONS, HALF};
use crate::product::ProductId;

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordFault(pub(super) String);

/// A product's embedding; each half has length 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Embedding {
    pub(super) product: ProductId,
    pub(super) vector: Box<[f32; DIMENSIONS]>,
}

/// What a record holds; other members are passed over.
#[derive(Deserialize)]
struct Record {
    product_id: ProductId,
    embedding: Numbers,
}

struct Numbers(Box<[f32; DIMENSIONS]>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{DIMENSIONS} numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Numbers, A::Error> {
                let mut numbers = Box::new([0.0; DIMENSIONS]);
                for (index, number) in numbers.iter_mut().enumerate() {
                    let next = sequence.next_element::<f32>()?;
                    *number = next.ok_or_else(|| A::Error::invalid_length(index, &self))?;
                }
                match sequence.next_element::<f32>()? {
                    Some(_) => Err(A::Error::invalid_length(DIMENSIONS + 1, &self)),
                    None => Ok(Numbers(numbers)),
                }
            }
        }

        deserializer.deserialize_seq(Reader)
    }
}

/// Parses a record, and scales each half of the vector to length 1.
pub(super) fn parse(text: &[u8]) -> Result<Embedding, RecordFault> {
    let record: Record =
        serde_json::from_slice(text).map_err(|error| RecordFault(error.to_string()))?;
    let mut vector = record.embedding.0;
    for (name, half) in
        ["the picture's half", "the text's half"].iter().zip(vector.chunks_mut(HALF))
    {
        normalize(half).ok_or_else(|| {
            RecordFault(format!(
                "embedding: {name} has no direction, expected a vector of length 1"
            ))
        })?;
    }
    Ok(Embedding { product: record.product_id, vector })
}

/// Scales a vector to length 1; `None` where it has no length, or none that is finite.
pub(super) fn normalize(vector: &mut [f32]) -> Option<()> {
    let square: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
    let length = square.sqrt();
    if !length.is_finite() || length < 1e-6 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "single precision is what is stored")]
    for value in vector.iter_mut() {
        *value = (f64::from(*value) / length) as f32;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(numbers: &[&str]) -> String {
        format!("{{\"extra\": {{}}, \"embedding\": [{}], \"product_id\": 17}}", numbers.join(", "))
    }

    #[test]
    fn a_record_is_read_in_any_order_and_with_members_unknown() {
        let numbers: Vec<&str> =
            ["0.5", "-2e-1", "1", "0"].into_iter().cycle().take(DIMENSIONS).collect();
        let found = parse(record(&numbers).as_bytes()).unwrap();
        assert_eq!(found.product, ProductId(17));
        assert!((found.vector[0] / found.vector[1] + 2.5).abs() < 1e-5);
        for half in found.vector.chunks(HALF) {
            let length: f32 = half.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_record_that_cannot_be_used_says_why() {
        let fault = |text: &str| parse(text.as_bytes()).unwrap_err().0;
        let ones = vec!["1"; DIMENSIONS];
        assert!(fault(&record(&ones[1..])).contains("invalid length 1023, expected 1024 numbers"));
        assert!(
            fault(&record(&[ones.clone(), vec!["1"]].concat())).contains("invalid length 1025")
        );
        let mut zero = ones.clone();
        zero[HALF..].fill("0");
        assert!(fault(&record(&zero)).contains("the text's half"));
        let mut text = ones.clone();
        text[5] = "\"1\"";
        assert!(fault(&record(&text)).contains("invalid type: string"));
        text[5] = "NaN";
        assert!(fault(&record(&text)).contains("expected value"));
        text[5] = "1e400";
        assert!(fault(&record(&text)).contains("number out of range"));
        text[5] = "1e300";
        assert!(fault(&record(&text)).contains("the picture's half"));
        assert!(fault("{\"product_id\": -1}").contains("-1"));
        assert!(fault("{\"product_id\": 1}").contains("missing field `embedding`"));
        assert!(fault("null").contains("null"));
    }
}
