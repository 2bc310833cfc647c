//! Memory of processes, and the number of files that this one may open.

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors that a process needs besides its connections.
const SPARE_FILES: u64 = 500;

/// Resident memory of a process that is not shared with files, in bytes.
pub(crate) fn resident_bytes(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kilobytes.context("the process does not say what it uses")? * 1024)
}

/// Raises the limit of open files of this process and its children, for so many connections.
pub(crate) fn raise_file_limit(connections: usize) -> anyhow::Result<()> {
    let needed = u64::try_from(connections)? + SPARE_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        let wanted = Rlimit { current: Some(needed), maximum: limit.maximum };
        setrlimit(Resource::Nofile, wanted)
            .with_context(|| format!("{needed} open files are needed: ulimit -n"))?;
    }
    Ok(())
}
