//! A file in the object store, read in parts.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, bail};
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use toneup_catalogue::embeddings::Input;
use toneup_platform::config::{ObjectsConfig, Settings};
use toneup_platform::objects::{Objects, Version};

/// Bytes of a part.
const PART: u64 = 4 << 20;

/// A version of an object, and a place in it.
#[derive(Debug, Clone)]
struct Object {
    objects: Objects,
    key: String,
    version: Version,
    background: Arc<Background>,
    /// Where the next byte is read.
    at: u64,
    /// Bytes from there on that have been fetched.
    fetched: Bytes,
}

/// A runtime for the requests: the program's own one is occupied by the load.
#[derive(Debug)]
struct Background(Option<Runtime>);

impl Background {
    fn new() -> io::Result<Self> {
        Ok(Self(Some(Builder::new_current_thread().enable_all().build()?)))
    }

    /// Waits for a request, on a thread that no runtime knows.
    fn wait<T: Send>(&self, request: impl Future<Output = T> + Send) -> io::Result<T> {
        let ended = || io::Error::other("the request was not made");
        let runtime = self.0.as_ref().ok_or_else(ended)?;
        let waiting = thread::scope(|scope| scope.spawn(|| runtime.block_on(request)).join());
        waiting.map_err(|_| ended())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one.
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Opens an object by `BUCKET/KEY`.
pub(super) fn open(address: &str) -> anyhow::Result<Input> {
    let (bucket, key) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() || key.is_empty() {
        bail!("expected s3://BUCKET/KEY, found s3://{address}");
    }
    let config: ObjectsConfig = Settings::from_env().section()?;
    let objects = Objects::new(&config)?.in_bucket(bucket);
    let background = Arc::new(Background::new()?);
    let found = background.wait(objects.version(key))?;
    let version = found.with_context(|| format!("cannot open s3://{address}"))?;
    let (key, fetched, length) = (key.to_owned(), Bytes::new(), version.length);
    let object = Object { objects, key, version, background, at: 0, fetched };
    Ok(Input::remote([object.clone(), object], length)?)
}

impl Read for Object {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fetched.is_empty() && self.at < self.version.length {
            let part = self.objects.get_part(&self.key, &self.version, self.at, PART);
            self.fetched = self.background.wait(part)?.map_err(io::Error::other)?;
        }
        let length = buffer.len().min(self.fetched.len());
        buffer[..length].copy_from_slice(&self.fetched.split_to(length));
        self.at += u64::try_from(length).unwrap_or(u64::MAX);
        Ok(length)
    }
}

impl Seek for Object {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.version.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning");
        self.at = place.ok_or_else(before)?;
        self.fetched = Bytes::new();
        Ok(self.at)
    }
}
