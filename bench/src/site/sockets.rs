//! Memory and connections of processes, as the kernel counts them.

use std::collections::HashSet;
use std::fs;

use anyhow::Context;
use rustix::process::Pid;

/// Established TCP connections of a process to a port on this machine.
pub(crate) fn connections_to(process: Pid, port: u16) -> anyhow::Result<usize> {
    let folder = format!("/proc/{}/fd", process.as_raw_nonzero());
    let mut own = HashSet::new();
    for descriptor in fs::read_dir(&folder).with_context(|| format!("reading {folder}"))? {
        // One that was closed meanwhile has no target.
        let target = fs::read_link(descriptor?.path()).unwrap_or_default();
        let inode = target.to_string_lossy().strip_prefix("socket:[").map(str::to_owned);
        own.extend(inode.map(|inode| inode.trim_end_matches(']').to_owned()));
    }
    let table = fs::read_to_string("/proc/net/tcp")?;
    Ok(table
        .lines()
        .filter_map(|line| established(line, port))
        .filter(|inode| own.contains(*inode))
        .count())
}

/// Inode of an established connection to `port`, from a line of `/proc/net/tcp`.
fn established(line: &str, port: u16) -> Option<&str> {
    let mut fields = line.split_whitespace().skip(2);
    let (_, remote_port) = fields.next()?.rsplit_once(':')?;
    let is_established = fields.next()? == "01";
    let is_to = u16::from_str_radix(remote_port, 16).ok()? == port;
    fields.nth(5).filter(|_| is_established && is_to)
}

/// Memory of a process in MB: its own, and its share of what it shares with others (`Pss`).
pub(crate) fn memory_mb(process: Pid) -> anyhow::Result<f64> {
    let path = format!("/proc/{}/smaps_rollup", process.as_raw_nonzero());
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.with_context(|| format!("{path} has no Pss"))? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_established_connection_is_known_by_its_port() {
        let line = " 4: 0100007F:9C40 0100007F:6E92 01 00000000:00000000 02:00 00 0 0 48123 2 0 20";
        assert_eq!(established(line, 28306), Some("48123"));
        assert_eq!(established(line, 28307), None);
        assert_eq!(established(&line.replace(" 01 ", " 06 "), 28306), None);
        assert_eq!(established("sl local_address rem_address st", 1), None);
    }
}
