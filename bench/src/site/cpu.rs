//! CPU time of processes, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Pid;

/// CPU time of a process so far, to a hundredth of a second.
pub(crate) fn used(process: Pid) -> anyhow::Result<Duration> {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} says nothing of its time"))?;
    Ok(Duration::from_secs_f64(ticks / ticks_per_second()))
}

/// Sum of the CPU times of several processes.
pub(crate) fn used_by(processes: &[Pid]) -> anyhow::Result<Duration> {
    processes.iter().map(|process| used(*process)).sum()
}

/// Process that a file of `.local/run` names by its id and its start time; `None` if it has ended.
pub(crate) fn process_of(file: &str) -> Option<Pid> {
    let (id, started) = file.trim().split_once(' ')?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    (field(&stat, 22)? == started).then(|| Pid::from_raw(id.parse().ok()?))?
}

/// Children of a process that it has not waited for.
pub(crate) fn children(process: Pid) -> anyhow::Result<Vec<Pid>> {
    let id = process.as_raw_nonzero();
    let path = format!("/proc/{id}/task/{id}/children");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    Ok(text.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect())
}

/// Sum of `utime` and `stime`, in clock ticks.
fn ticks(stat: &str) -> Option<f64> {
    Some(field(stat, 14)?.parse::<f64>().ok()? + field(stat, 15)?.parse::<f64>().ok()?)
}

/// Field of `proc_pid_stat(5)` by its number, from the third on: the second is a name, which may contain anything.
fn field(stat: &str, number: usize) -> Option<&str> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number.checked_sub(3)?)
}

fn ticks_per_second() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse() {
        let stat = "7 (a ) 1 b) S 1 7 7 0 -1 4194304 1000 0 3 0 250 50 8 9 20 0 1 0 12345 0 0";
        assert_eq!(ticks(stat), Some(300.0));
        assert_eq!(field(stat, 22), Some("12345"));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn a_process_is_known_by_its_start_too() {
        let ourselves = rustix::process::getpid();
        let id = ourselves.as_raw_nonzero();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let started = field(&stat, 22).unwrap();
        assert_eq!(process_of(&format!("{id} {started}\n")), Some(ourselves));
        assert_eq!(process_of(&format!("{id} 1\n")), None);
        assert_eq!(process_of(""), None);
    }

    #[test]
    fn what_this_process_computes_is_counted() {
        let ourselves = rustix::process::getpid();
        let before = used(ourselves).unwrap();
        let mut sum = 0_u64;
        while used(ourselves).unwrap() < before + Duration::from_millis(20) {
            sum = std::hint::black_box((0..100_000_u64).fold(sum, u64::wrapping_add));
        }
        let after = used_by(&[ourselves]).unwrap();
        assert!(after >= before + Duration::from_millis(20));
    }
}
