//! Loads a file of embeddings: one thread reads and splits, two parse, one writes in the file's order.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::checkpoint::{self, Checkpoint};
use super::files::{self, GenerationWriter, StoredRecord};
use super::input::Input;
use super::parser::{RecordFault, parse};
use super::splitter::{SplitError, Splitter};
use crate::product::ProductId;

/// Bytes read at once.
const BLOCK: usize = 4 << 20;
/// Bytes of records that are parsed together.
const CHUNK: usize = 1 << 20;
/// Chunks that may wait before and behind a parser.
const WAITING: usize = 2;
const PARSERS: usize = 2;

/// What to do about a record that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Leave it out.
    Skip,
    /// End the load. What was loaded before it stays, and a repeated load goes on from there.
    Refuse,
}

/// A load into a directory.
#[derive(Debug, Clone)]
pub struct Loader {
    /// Where the generations are.
    pub directory: PathBuf,
    /// What to do about records that cannot be used.
    pub on_error: OnError,
    /// Records between two checkpoints.
    pub checkpoint: u64,
}

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the file as it is stored.
    pub bytes: u64,
    /// Records stored.
    pub records: u64,
}

/// What a load has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The generation that is read now.
    pub generation: String,
    /// Its records.
    pub records: u64,
    /// Records that were left out.
    pub skipped: u64,
    /// Records that an earlier load of the same file had stored.
    pub resumed: u64,
}

/// Error: a load has ended early. The generation that was read before is read still.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the file")]
    Read(#[source] io::Error),
    /// The records of the file cannot be found.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A record cannot be used.
    #[error("record at byte {offset}: {fault}")]
    Record {
        /// Offset of the record in the decompressed file.
        offset: u64,
        /// Why.
        fault: RecordFault,
    },
    /// The file has no record that can be used.
    #[error("the file has no embedding")]
    Empty,
    /// The directory cannot be written.
    #[error("cannot write to {directory}")]
    Write {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Records as they are in the file.
struct Chunk {
    text: Vec<u8>,
    /// Offset of each record in the file, and its end in `text`.
    records: Vec<(u64, usize)>,
}

/// A record that is parsed.
struct Parsed {
    offset: u64,
    length: usize,
    stored: Result<StoredRecord, RecordFault>,
}

type Message<T> = Result<T, LoadError>;

impl Loader {
    /// Loads a file. A load of the same file that was interrupted is continued, with the same result. `progress` is told of
    /// every chunk, `skipped` of every record that is left out, with its offset.
    pub fn load(
        &self,
        input: Input,
        progress: impl FnMut(Progress),
        skipped: impl FnMut(u64, &RecordFault),
    ) -> Result<Loaded, LoadError> {
        let failed = |source| LoadError::Write { directory: self.directory.clone(), source };
        let lock = files::lock(&self.directory).map_err(failed)?;
        let (done, writer) = self.resume(&input, lock).map_err(failed)?;
        let known = self.known(done.records).map_err(failed)?;
        let resumed = done.records;
        let read = input.counter();
        let splitter =
            if done.offset == 0 { Splitter::default() } else { Splitter::behind(done.offset) };
        let text = input.from(done.offset).map_err(LoadError::Read)?;
        let mut sink = Sink { loader: self, done, writer, known, skipped };
        thread::scope(|scope| {
            let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
            for _ in 0..PARSERS {
                let (send_chunk, chunks) = bounded::<Message<Chunk>>(WAITING);
                let (send_parsed, parsed) = bounded::<Message<Vec<Parsed>>>(WAITING);
                scope.spawn(move || parse_chunks(&chunks, &send_parsed));
                inputs.push(send_chunk);
                outputs.push(parsed);
            }
            scope.spawn(move || split(text, splitter, &inputs));
            // Dropped at an error, the receivers end the other threads.
            sink.drain(&outputs, &read, progress)
        })?;
        if sink.done.records == 0 {
            return Err(LoadError::Empty);
        }
        let Sink { done, writer, .. } = sink;
        let generation = writer.publish(&[checkpoint::NAME]).map_err(failed)?;
        Ok(Loaded { generation, records: done.records, skipped: done.skipped, resumed })
    }

    fn resume(&self, input: &Input, lock: File) -> io::Result<(Checkpoint, GenerationWriter)> {
        let done = Checkpoint::read(&self.directory, input.identity())?;
        let writer = GenerationWriter::open(&self.directory, lock, done.records)?;
        if done.records == 0 {
            // A checkpoint of another file would be of other records.
            done.write(&self.directory)?;
        }
        Ok((done, writer))
    }

    /// The products that are stored already.
    fn known(&self, records: u64) -> io::Result<HashSet<ProductId>> {
        if records == 0 {
            return Ok(HashSet::new());
        }
        let bytes = std::fs::read(files::loading(&self.directory).join("ids"))?;
        let ids = bytes.as_chunks::<8>().0.iter();
        Ok(ids.map(|id| ProductId(u64::from_le_bytes(*id))).collect())
    }
}

/// Reads the file and deals its records out, a chunk to each parser in turn.
fn split(mut text: impl Read, mut splitter: Splitter, parsers: &[Sender<Message<Chunk>>]) {
    let mut turn = parsers.iter().cycle();
    let mut deal = |message| turn.next().is_some_and(|parser| parser.send(message).is_ok());
    let mut block = vec![0; BLOCK];
    let mut chunk = Chunk { text: Vec::with_capacity(CHUNK), records: Vec::new() };
    let failure = loop {
        let length = match text.read(&mut block) {
            Ok(0) => break splitter.finish().err().map(LoadError::Split),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Some(LoadError::Read(error)),
        };
        splitter.feed(&block[..length]);
        let failure = loop {
            match splitter.next_element() {
                Ok(Some(element)) => {
                    chunk.text.extend_from_slice(element.text);
                    chunk.records.push((element.offset, chunk.text.len()));
                }
                Ok(None) => break None,
                Err(error) => break Some(LoadError::Split(error)),
            }
            if chunk.text.len() >= CHUNK {
                let next = Chunk { text: Vec::with_capacity(CHUNK), records: Vec::new() };
                if !deal(Ok(std::mem::replace(&mut chunk, next))) {
                    return;
                }
            }
        };
        if failure.is_some() {
            break failure;
        }
    };
    if !chunk.records.is_empty() && !deal(Ok(chunk)) {
        return;
    }
    if let Some(failure) = failure {
        deal(Err(failure));
    }
}

fn parse_chunks(chunks: &Receiver<Message<Chunk>>, parsed: &Sender<Message<Vec<Parsed>>>) {
    for message in chunks {
        let done = message.map(|Chunk { text, records }| {
            let mut start = 0;
            let parse_next = |(offset, end): (u64, usize)| {
                let record = &text[std::mem::replace(&mut start, end)..end];
                let stored = parse(record).map(|embedding| StoredRecord::new(&embedding));
                Parsed { offset, length: record.len(), stored }
            };
            records.into_iter().map(parse_next).collect()
        });
        if parsed.send(done).is_err() {
            return;
        }
    }
}

/// Where the parsed records go.
struct Sink<'a, S> {
    loader: &'a Loader,
    done: Checkpoint,
    writer: GenerationWriter,
    known: HashSet<ProductId>,
    skipped: S,
}

impl<S: FnMut(u64, &RecordFault)> Sink<'_, S> {
    /// Takes a chunk from each parser in turn: the order of the file.
    fn drain(
        &mut self,
        parsers: &[Receiver<Message<Vec<Parsed>>>],
        read: &Arc<AtomicU64>,
        mut progress: impl FnMut(Progress),
    ) -> Result<(), LoadError> {
        for parser in parsers.iter().cycle() {
            let Ok(message) = parser.recv() else { return Ok(()) };
            for parsed in message? {
                self.take(parsed)?;
            }
            let bytes = read.load(Ordering::Relaxed);
            progress(Progress { bytes, records: self.done.records });
        }
        Ok(())
    }

    fn take(&mut self, parsed: Parsed) -> Result<(), LoadError> {
        let Parsed { offset, length, stored } = parsed;
        let stored = stored.and_then(|record| {
            let ProductId(id) = record.product;
            let is_new = self.known.insert(record.product);
            is_new
                .then_some(record)
                .ok_or_else(|| RecordFault(format!("product {id} is there twice")))
        });
        match stored {
            Ok(record) => {
                self.writer.write(&record).map_err(|source| self.failure(source))?;
                self.done.records += 1;
            }
            Err(fault) if self.loader.on_error == OnError::Refuse => {
                return Err(LoadError::Record { offset, fault });
            }
            Err(fault) => {
                (self.skipped)(offset, &fault);
                self.done.skipped += 1;
            }
        }
        self.done.offset = offset + u64::try_from(length).unwrap_or(u64::MAX);
        if (self.done.records + self.done.skipped).is_multiple_of(self.loader.checkpoint.max(1)) {
            let synced = self.writer.sync().and_then(|()| self.done.write(&self.loader.directory));
            synced.map_err(|source| self.failure(source))?;
        }
        Ok(())
    }

    fn failure(&self, source: io::Error) -> LoadError {
        LoadError::Write { directory: self.loader.directory.clone(), source }
    }
}
