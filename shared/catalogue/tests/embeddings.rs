//! Loading embeddings, and what is found in them.

use std::io::{self, Read};
use std::path::Path;

use toneup_catalogue::embeddings::{
    DIMENSIONS, Input, LoadError, Loaded, Loader, OnError, Query, Vectors,
};
use toneup_catalogue::product::ProductId;

use crate::support::{TempDir, embeddings};

fn loader(directory: &Path, on_error: OnError) -> Loader {
    Loader { directory: directory.to_owned(), on_error, checkpoint: 7 }
}

fn load(directory: &Path, on_error: OnError, file: &Path) -> (Result<Loaded, LoadError>, Vec<u64>) {
    let mut skipped = Vec::new();
    let input = Input::open(file).unwrap();
    let loaded = loader(directory, on_error).load(input, |_| {}, |offset, _| skipped.push(offset));
    (loaded, skipped)
}

fn files(directory: &Path, generation: &str) -> Vec<Vec<u8>> {
    ["ids", "codes", "exact"]
        .iter()
        .map(|name| std::fs::read(directory.join(generation).join(name)).unwrap())
        .collect()
}

/// A stream that breaks off.
struct Broken<R>(io::Take<R>);

impl<R: Read> Read for Broken<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            length => Ok(length),
        }
    }
}

#[test]
fn a_load_that_broke_off_anywhere_goes_on_with_the_same_result() {
    let (text, whole) = (embeddings(60), TempDir::new());
    let load_whole = || Input::stream(io::Cursor::new(text.clone())).unwrap();
    let expected = loader(whole.path(), OnError::Refuse).load(load_whole(), |_| {}, |_, _| {});
    let expected = expected.unwrap();
    assert_eq!((expected.records, expected.skipped, expected.resumed), (60, 0, 0));
    for percent in [7, 31, 50, 83, 99] {
        let directory = TempDir::new();
        let part = (text.len() * percent / 100) as u64;
        let stream = Broken(io::Cursor::new(text.clone()).take(part));
        let broken = loader(directory.path(), OnError::Refuse);
        let broken = broken.load(Input::stream(stream).unwrap(), |_| {}, |_, _| {});
        assert!(matches!(broken, Err(LoadError::Read(_))), "{broken:?}");
        assert_eq!(Vectors::current(directory.path()).unwrap(), None, "half a load is not read");
        let loaded =
            loader(directory.path(), OnError::Refuse).load(load_whole(), |_| {}, |_, _| {});
        let loaded = loaded.unwrap();
        // All that was parsed before the break but for less than a checkpoint.
        let parsed = 60 * percent as u64 / 100;
        assert!(loaded.resumed + 8 >= parsed, "{} of {parsed}", loaded.resumed);
        let result = files(directory.path(), &loaded.generation);
        assert!(result == files(whole.path(), &expected.generation), "at {percent} %");
    }
}

#[test]
fn broken_records_are_named_by_their_offset_and_left_out_or_refused() {
    let text = String::from_utf8(embeddings(20)).unwrap();
    let fifth = text.find("{\"product_id\": 5,").unwrap();
    let ninth = text.find("{\"product_id\": 9,").unwrap();
    // A word where a number should be; a product that is there twice.
    let mut text = text.replacen("{\"product_id\": 9,", "{\"product_id\": 8,", 1);
    text.insert_str(fifth + "{\"product_id\": 5, \"embedding\": [".len(), "x, ");
    let ninth = ninth + "x, ".len();
    let (directory, file) = (TempDir::new(), TempDir::new());
    let file = file.path().join("embeddings.json");
    std::fs::write(&file, &text).unwrap();

    let (refused, _) = load(directory.path(), OnError::Refuse, &file);
    assert!(
        matches!(refused, Err(LoadError::Record { offset, .. }) if offset == fifth as u64),
        "{refused:?}"
    );
    let (loaded, skipped) = load(directory.path(), OnError::Skip, &file);
    let loaded = loaded.unwrap();
    assert_eq!((loaded.records, loaded.skipped), (18, 2));
    assert_eq!(skipped, [fifth as u64, ninth as u64]);
}

#[test]
fn a_file_without_an_embedding_or_without_an_end_replaces_nothing() {
    let directory = TempDir::new();
    let file = directory.path().join("embeddings.json");
    std::fs::write(&file, embeddings(3)).unwrap();
    let (first, _) = load(directory.path(), OnError::Refuse, &file);
    let first = first.unwrap().generation;
    for text in ["", "{}", "[]", "[{\"product_id\": 1}]", "[{\"product_id\": 1, ", "[1] x"] {
        std::fs::write(&file, text).unwrap();
        let (loaded, _) = load(directory.path(), OnError::Skip, &file);
        assert!(loaded.is_err(), "{text}");
        assert_eq!(Vectors::current(directory.path()).unwrap().as_ref(), Some(&first), "{text}");
    }
    std::fs::write(&file, embeddings(4)).unwrap();
    let (second, _) = load(directory.path(), OnError::Skip, &file);
    let second = second.unwrap().generation;
    assert_ne!(second, first);
    assert_eq!(Vectors::open(directory.path(), &second).unwrap().len(), 4);
    assert_eq!(Vectors::open(directory.path(), &first).unwrap().len(), 3, "who reads it may end");
}

#[test]
fn the_nearest_are_those_of_an_exact_search_with_any_filter() {
    let directory = TempDir::new();
    let input = Input::stream(io::Cursor::new(embeddings(700))).unwrap();
    let loaded = loader(directory.path(), OnError::Refuse).load(input, |_| {}, |_, _| {}).unwrap();
    let vectors = Vectors::open(directory.path(), &loaded.generation).unwrap();
    let vector = |id| vectors.vector(ProductId(id)).unwrap().unwrap();
    for (id, every) in [(1, 1), (77, 2), (300, 7), (555, 60)] {
        let wanted = |product: ProductId| product.0.is_multiple_of(every) && product.0 != id;
        let asked = vector(id);
        let mut exact: Vec<(f32, u64)> = (1..=700)
            .filter(|other| wanted(ProductId(*other)))
            .map(|other| {
                let other_vector = vector(other);
                let halves = [0.7, 0.3];
                let sum = asked.iter().zip(other_vector.iter()).enumerate();
                let sum: f32 = sum.map(|(i, (a, b))| a * b * halves[i / (DIMENSIONS / 2)]).sum();
                (sum, other)
            })
            .collect();
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found = vectors.nearest(&Query::new(&asked, 0.7), 10, wanted).unwrap();
        let found: Vec<u64> = found.iter().map(|one| one.product.0).collect();
        let expected: Vec<u64> = exact.iter().take(10).map(|(_, id)| *id).collect();
        assert_eq!(found, expected, "to {id}, each {every}th");
    }
    assert_eq!(vectors.vector(ProductId(701)).unwrap(), None);
}
