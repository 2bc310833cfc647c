//! CPU affinity: gives the measured system cores of its own, as if on its own machine.

use std::fs;

use anyhow::{Context, ensure};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A set of the cores that this process may use.
#[derive(Debug, Clone)]
pub(crate) struct Cores(Vec<usize>);

impl Cores {
    /// All cores that this process may use.
    pub(crate) fn usable() -> anyhow::Result<Self> {
        let usable = sched_getaffinity(None).context("asking for the usable cores")?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|&core| usable.is_set(core)).collect()))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Splits off the first `count` cores; `None` if none would be left.
    pub(crate) fn apart(&self, count: usize) -> Option<(Self, Self)> {
        let (first, others) = self.0.split_at_checked(count)?;
        (!others.is_empty()).then(|| (Self(first.to_vec()), Self(others.to_vec())))
    }

    /// Runs `start` so that the processes it starts run on these cores.
    pub(crate) fn start<T>(&self, start: impl FnOnce() -> T) -> anyhow::Result<T> {
        // A child is born where the thread is that makes it; a future would be moved to another thread meanwhile.
        let before = sched_getaffinity(None)?;
        sched_setaffinity(None, &self.set()).context("choosing cores")?;
        let started = start();
        sched_setaffinity(None, &before)?;
        Ok(started)
    }

    /// Confines this process, its later children and `others` to these cores, until the returned guard is dropped.
    pub(crate) fn confine(&self, others: &[Pid]) -> anyhow::Result<Confined> {
        ensure!(self.count() > 0, "nowhere to run");
        let mut confined = Confined(Vec::new());
        for process in others.iter().copied().chain([rustix::process::getpid()]) {
            confined.0.push((process, sched_getaffinity(Some(process))?));
            set_all(process, &self.set())
                .with_context(|| format!("moving process {process:?} to other cores"))?;
        }
        Ok(confined)
    }

    fn set(&self) -> CpuSet {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|&core| set.set(core));
        set
    }
}

/// Guard that restores the previous affinity of processes on drop.
#[derive(Debug)]
pub(crate) struct Confined(Vec<(Pid, CpuSet)>);

impl Drop for Confined {
    fn drop(&mut self) {
        for (process, before) in &self.0 {
            // An error says that it has ended.
            set_all(*process, before).ok();
        }
    }
}

/// Sets the affinity of all current threads of a process, which later ones inherit.
fn set_all(process: Pid, cores: &CpuSet) -> anyhow::Result<()> {
    let folder = format!("/proc/{}/task", process.as_raw_nonzero());
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {folder}"))?;
    let id = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw);
    for thread in entries.flatten().filter_map(id) {
        match sched_setaffinity(Some(thread), cores) {
            // It has ended.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn cores_are_set_apart_only_where_others_are_left() {
        let three = Cores(vec![0, 2, 5]);
        let (first, others) = three.apart(1).unwrap();
        assert_eq!((first.0, others.0), (vec![0], vec![2, 5]));
        assert!(three.apart(3).is_none());
        assert!(three.apart(4).is_none());
    }

    #[test]
    fn a_child_runs_where_it_was_started_and_this_thread_where_it_was() {
        let usable = Cores::usable().unwrap();
        let last = Cores(usable.0.last().copied().into_iter().collect());
        let show =
            || Command::new("grep").args(["Cpus_allowed_list", "/proc/self/status"]).output();
        let shown = String::from_utf8(last.start(show).unwrap().unwrap().stdout).unwrap();
        assert_eq!(shown.split_whitespace().last(), Some(last.0[0].to_string().as_str()));
        assert_eq!(Cores::usable().unwrap().0, usable.0);
    }

    #[test]
    fn who_was_confined_is_free_again_afterwards() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let process = Pid::from_child(&child);
        let allowed = || [Some(process), None].map(|thread| sched_getaffinity(thread).unwrap());
        let before = allowed();
        let last = Cores(Cores::usable().unwrap().0.last().copied().into_iter().collect());
        let confined = last.confine(&[process]).unwrap();
        assert_eq!(allowed(), [last.set(), last.set()]);
        let (go_on, told) = mpsc::channel();
        let born_meanwhile = std::thread::spawn(move || {
            told.recv().unwrap();
            sched_getaffinity(None).unwrap()
        });
        drop(confined);
        assert_eq!(allowed(), before);
        go_on.send(()).unwrap();
        assert_eq!(born_meanwhile.join().unwrap(), before[1]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
