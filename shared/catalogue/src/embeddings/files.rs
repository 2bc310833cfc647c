//! The files of a generation, and how one replaces another.
//!
//! ```text
//! CURRENT                 the name of the generation that is read
//! generation-7/ids        8 bytes a product, little-endian
//! generation-7/codes      1,032 bytes a product: two scales, 1,024 integers of 8 bits
//! generation-7/exact      2,048 bytes a product: 1,024 numbers in half precision
//! loading/                the generation that is being written, and its checkpoint
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::parser::Embedding;
use super::quantize::{CODE_BYTES, EXACT_BYTES, quantize, write_codes, write_exact};
use crate::product::ProductId;

/// Names of the files, and the bytes of a record in each.
pub(super) const FILES: [(&str, usize); 3] =
    [("ids", 8), ("codes", CODE_BYTES), ("exact", EXACT_BYTES)];

const CURRENT: &str = "CURRENT";
const LOADING: &str = "loading";
const PREFIX: &str = "generation-";
/// Bytes that are written at once.
const BUFFER: usize = 256 * 1024;

/// A record as it is stored.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub(super) product: ProductId,
    codes: Vec<u8>,
    exact: Vec<u8>,
}

impl StoredRecord {
    pub(super) fn new(embedding: &Embedding) -> Self {
        let (mut codes, mut exact) =
            (Vec::with_capacity(CODE_BYTES), Vec::with_capacity(EXACT_BYTES));
        write_codes(&quantize(&embedding.vector), &mut codes);
        write_exact(&embedding.vector, &mut exact);
        Self { product: embedding.product, codes, exact }
    }
}

/// Writes the files of the generation that is being loaded. One process at a time.
#[derive(Debug)]
pub(super) struct GenerationWriter {
    directory: PathBuf,
    files: [BufWriter<File>; 3],
    _lock: File,
}

/// The directory of the generation that is being loaded.
pub(super) fn loading(directory: &Path) -> PathBuf {
    directory.join(LOADING)
}

/// Excludes other loads into the directory, for as long as the file is open.
pub(super) fn lock(directory: &Path) -> io::Result<File> {
    fs::create_dir_all(loading(directory))?;
    let file = OpenOptions::new().create(true).append(true).open(directory.join("lock"))?;
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => {
            io::Error::new(ErrorKind::ResourceBusy, "another load into this directory is running")
        }
        fs::TryLockError::Error(error) => error,
    })?;
    Ok(file)
}

impl GenerationWriter {
    /// Opens the files to write behind the first `records`; what is behind these is cut off.
    pub(super) fn open(directory: &Path, lock: File, records: u64) -> io::Result<Self> {
        let open = |(name, bytes): (&str, usize)| {
            let path = loading(directory).join(name);
            let mut file =
                OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            let length = records * u64::try_from(bytes).unwrap_or(u64::MAX);
            if file.metadata()?.len() < length {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("{name} is too short"),
                ));
            }
            file.set_len(length)?;
            io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
            Ok(BufWriter::with_capacity(BUFFER, file))
        };
        let [ids, codes, exact] = FILES;
        let files = [open(ids)?, open(codes)?, open(exact)?];
        Ok(Self { directory: directory.to_owned(), files, _lock: lock })
    }

    /// Appends a record.
    pub(super) fn write(&mut self, record: &StoredRecord) -> io::Result<()> {
        let [ids, codes, exact] = &mut self.files;
        ids.write_all(&record.product.0.to_le_bytes())?;
        codes.write_all(&record.codes)?;
        exact.write_all(&record.exact)
    }

    /// Waits until everything written is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        for file in &mut self.files {
            file.flush()?;
            file.get_ref().sync_data()?;
        }
        Ok(())
    }

    /// Makes the files the generation that is read, without the `notes` beside them, and deletes the ones before the last.
    /// Returns its name.
    pub(super) fn publish(mut self, notes: &[&str]) -> io::Result<String> {
        self.sync()?;
        let before = current(&self.directory)?;
        let number = generations(&self.directory)?.into_iter().max().unwrap_or(0) + 1;
        let name = format!("{PREFIX}{number}");
        fs::rename(loading(&self.directory), self.directory.join(&name))?;
        write_whole(&self.directory.join(CURRENT), format!("{name}\n").as_bytes())?;
        for note in notes {
            remove_if_there(&self.directory.join(&name).join(note))?;
        }
        for old in generations(&self.directory)? {
            let old = format!("{PREFIX}{old}");
            if old != name && Some(&old) != before.as_ref() {
                fs::remove_dir_all(self.directory.join(old))?;
            }
        }
        Ok(name)
    }
}

/// Numbers of the generations that are there.
fn generations(directory: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(found)
}

/// The name of the generation to read; `None` before the first load.
pub(super) fn current(directory: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(directory.join(CURRENT)) {
        Ok(name) => Ok(Some(name.trim_end().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file as a whole: a reader sees the old or the new one, also after a crash.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
