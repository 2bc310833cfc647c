//! A limit on a process's memory, by a control group where this machine permits one.

use std::fs;
use std::path::{Path, PathBuf};

/// Hierarchies of control groups, and the file that holds the limit: version 1, version 2.
const KINDS: [(&str, &str); 2] =
    [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];

/// A control group, deleted on drop.
#[derive(Debug)]
pub(super) struct Limit(PathBuf);

impl Limit {
    /// Creates a group with a limit, swap excluded where there is any; `None` where that is not permitted.
    pub(super) fn create(bytes: u64) -> Option<Self> {
        KINDS.iter().find_map(|(hierarchy, file)| {
            let directory = Path::new(hierarchy).join(format!("toneup-{}", std::process::id()));
            fs::create_dir(&directory).ok()?;
            let limit = Self(directory);
            fs::write(limit.0.join(file), bytes.to_string()).ok()?;
            for swap in ["memory.memsw.limit_in_bytes", "memory.swap.max"] {
                let amount = if swap.contains("memsw") { bytes } else { 0 };
                // A machine without accounting of swap has no such file.
                fs::write(limit.0.join(swap), amount.to_string()).ok();
            }
            Some(limit)
        })
    }

    /// The file that takes the ids of the group's processes.
    pub(super) fn processes(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // A group with a process left in it stays; it limits nothing else.
        fs::remove_dir(&self.0).ok();
    }
}

/// A value of a process's `/proc/PID/status`, in MiB: `VmHWM`, `RssAnon`. `None` once the process has ended.
pub(super) fn memory_mib(process: &str, name: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
