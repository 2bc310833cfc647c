//! The file that is loaded: plain, gzip or zstd, told apart by how it begins.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};

/// Bytes of the decompressed file by which it is recognized.
const HEAD: u64 = 64 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

type Source = Box<dyn Read + Send>;

/// What can be read from anywhere.
pub trait Anywhere: Read + Seek + Send {}

impl<T: Read + Seek + Send> Anywhere for T {}

/// A file that can be read from an offset on.
pub struct Input {
    /// Length of the file as it is stored, where it is known.
    pub length: Option<u64>,
    /// Bytes of it that have been read.
    read: Arc<AtomicU64>,
    /// The file itself, where it is plain and can be read from anywhere.
    seekable: Option<Box<dyn Anywhere>>,
    /// The decompressed file, from the beginning.
    text: Source,
    identity: String,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Input {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let length = metadata.is_file().then_some(metadata.len());
        if length.is_none() {
            return Self::new(Box::new(file), None, None);
        }
        let again: Box<dyn Anywhere> = Box::new(File::open(path)?);
        Self::new(Box::new(file), length, Some(again))
    }

    /// Reads what lies elsewhere and has a length; `file` twice, from its beginning.
    pub fn remote(file: [impl Anywhere + 'static; 2], length: u64) -> io::Result<Self> {
        let [file, again] = file;
        Self::new(Box::new(file), Some(length), Some(Box::new(again)))
    }

    /// Reads a stream, such as standard input.
    pub fn stream(stream: impl Read + Send + 'static) -> io::Result<Self> {
        Self::new(Box::new(stream), None, None)
    }

    fn new(raw: Source, length: Option<u64>, again: Option<Box<dyn Anywhere>>) -> io::Result<Self> {
        let read = Arc::new(AtomicU64::new(0));
        let mut raw: Source = Box::new(Counted { inner: raw, read: Arc::clone(&read) });
        let magic = read_up_to(&mut raw, 4)?;
        let is_plain = !magic.starts_with(GZIP) && !magic.starts_with(ZSTD);
        let whole = Cursor::new(magic.clone()).chain(raw);
        let mut text: Source = if magic.starts_with(GZIP) {
            Box::new(MultiGzDecoder::new(whole))
        } else if magic.starts_with(ZSTD) {
            Box::new(zstd(whole)?)
        } else {
            Box::new(whole)
        };
        let head = read_up_to(&mut text, HEAD)?;
        let identity = match length {
            Some(length) => format!("{length}-{}", hex::encode(Sha256::digest(&head))),
            None => hex::encode(Sha256::digest(&head)),
        };
        let text = Box::new(Cursor::new(head).chain(text));
        Ok(Self { length, read, seekable: again.filter(|_| is_plain), text, identity })
    }

    /// What tells this file from others.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// The count of bytes that have been read of the file as it is stored.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// The decompressed file from `offset` on. A plain file is read from there; another one is read up to there.
    pub(super) fn from(self, offset: u64) -> io::Result<Source> {
        if let Some(mut file) = self.seekable {
            file.seek(SeekFrom::Start(offset))?;
            self.read.store(offset, Ordering::Relaxed);
            return Ok(Box::new(Counted { inner: file, read: self.read }));
        }
        let mut text = self.text;
        io::copy(&mut text.by_ref().take(offset), &mut io::sink())?;
        Ok(text)
    }
}

fn zstd(whole: impl Read + Send + 'static) -> io::Result<impl Read + Send> {
    StreamingDecoder::new(whole)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

fn read_up_to(source: &mut Source, most: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(most).read_to_end(&mut head)?;
    Ok(head)
}

/// Counts what is read.
struct Counted {
    inner: Source,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn text(input: Input, offset: u64) -> String {
        let mut text = String::new();
        input.from(offset).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn plain_gzip_and_zstd_are_told_apart_and_read_from_an_offset() {
        let plain = "[1, 2, 3]".repeat(20_000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(plain.as_bytes()).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(
            plain.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        for bytes in [plain.clone().into_bytes(), gzip.finish().unwrap(), zstd] {
            for offset in [0, 1, 70_000] {
                let input = Input::stream(Cursor::new(bytes.clone())).unwrap();
                let from = usize::try_from(offset).unwrap();
                assert!(text(input, offset) == plain[from..], "from {offset} on");
            }
        }
        for short in ["", "[", "[]"] {
            assert_eq!(text(Input::stream(short.as_bytes()).unwrap(), 0), short);
        }
    }
}
