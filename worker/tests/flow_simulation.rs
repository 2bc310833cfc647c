//! Simulation of analyzers that do not report their capacity, with the worker's own code: replicas that each learn a
//! limit, in front of one or several processes that share a port.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use toneup_worker::flow::connections::Connections;
use toneup_worker::flow::learn::Learner;

/// Parameters of a simulation.
#[derive(Debug, Clone, Copy)]
struct World {
    replicas: usize,
    /// Processes behind the port; each connection is assigned to one of them at random.
    processes: usize,
    /// Slots of each process.
    slots: usize,
    seed: u64,
}

/// Measurements of the second half of a minute.
#[derive(Debug, Clone, Copy)]
struct Measured {
    utilisation: f64,
    most_in_flight: usize,
}

const SERVICE: Duration = Duration::from_millis(500);
const DURATION: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Replica {
    learner: Learner,
    in_flight: u32,
    /// Idle connections, each with the process it leads to.
    connections: Connections<usize>,
}

#[derive(Debug)]
struct Request {
    replica: usize,
    process: usize,
    sent: Instant,
    full: bool,
}

/// A process of the analyzer: queued and running requests, the latter with their number.
#[derive(Debug, Default)]
struct Process {
    waiting: VecDeque<Request>,
    running: Vec<(u64, Request)>,
}

#[derive(Debug)]
struct Run {
    world: World,
    random: StdRng,
    now: Instant,
    replicas: Vec<Replica>,
    processes: Vec<Process>,
    /// Completion times: time, request number, process.
    ends: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    started: u64,
}

impl World {
    fn run(self) -> Measured {
        let begun = Instant::now();
        let replica = |_| Replica {
            learner: Learner::new(begun),
            in_flight: 0,
            connections: Connections::default(),
        };
        let mut run = Run {
            world: self,
            random: StdRng::seed_from_u64(self.seed),
            now: begun,
            replicas: (0..self.replicas).map(replica).collect(),
            processes: (0..self.processes).map(|_| Process::default()).collect(),
            ends: BinaryHeap::new(),
            started: 0,
        };
        let (half, end) = (begun + DURATION / 2, begun + DURATION);
        let (mut answers, mut most_in_flight) = (0_u32, 0);
        while run.now < end {
            run.send();
            if run.now > half {
                most_in_flight = most_in_flight.max(run.in_flight());
            }
            run.start();
            run.finish();
            answers += u32::from(run.now > half);
        }
        let slots = f64::from(u32::try_from(self.processes * self.slots).unwrap());
        let possible = slots * (DURATION / 2).as_secs_f64() / SERVICE.as_secs_f64();
        Measured { utilisation: f64::from(answers) / possible, most_in_flight }
    }
}

impl Run {
    fn in_flight(&self) -> usize {
        self.processes.iter().map(|process| process.waiting.len() + process.running.len()).sum()
    }

    /// Sends requests of all replicas up to their limits, in random order.
    fn send(&mut self) {
        loop {
            let able: Vec<usize> = (0..self.replicas.len())
                .filter(|&index| {
                    let Replica { learner, in_flight, .. } = &self.replicas[index];
                    *in_flight < learner.limit()
                })
                .collect();
            if able.is_empty() {
                return;
            }
            let index = able[self.random.random_range(0..able.len())];
            let replica = &mut self.replicas[index];
            let dealt = self.random.random_range(0..self.processes.len());
            let process = replica.connections.take().unwrap_or(dealt);
            replica.in_flight += 1;
            let full = replica.in_flight >= replica.learner.limit();
            let request = Request { replica: index, process, sent: self.now, full };
            self.processes[process].waiting.push_back(request);
        }
    }

    fn start(&mut self) {
        for (index, process) in self.processes.iter_mut().enumerate() {
            while process.running.len() < self.world.slots {
                let Some(request) = process.waiting.pop_front() else { break };
                let took = SERVICE.mul_f64(self.random.random_range(0.97..1.03));
                self.started += 1;
                self.ends.push(Reverse((self.now + took, self.started, index)));
                process.running.push((self.started, request));
            }
        }
    }

    /// Advances to the next completion, and passes its response to the replica.
    fn finish(&mut self) {
        let Reverse((at, which, process)) = self.ends.pop().unwrap();
        self.now = at;
        let running = &mut self.processes[process].running;
        let index = running.iter().position(|(started, _)| *started == which).unwrap();
        let (_, request) = running.swap_remove(index);
        let replica = &mut self.replicas[request.replica];
        replica.in_flight -= 1;
        let took = self.now - request.sent;
        replica.connections.give_back(self.now, request.process, Some(took));
        replica.learner.answered(self.now, took, request.full);
    }
}

/// Median and second-worst of 20 runs, separately for each measurement.
fn runs(replicas: usize, processes: usize, slots: usize) -> (Measured, Measured) {
    let run = |seed| World { replicas, processes, slots, seed }.run();
    let mut seen: Vec<Measured> = (0..20).map(run).collect();
    seen.sort_by(|a, b| a.utilisation.total_cmp(&b.utilisation));
    let mut in_flight: Vec<usize> = seen.iter().map(|seen| seen.most_in_flight).collect();
    in_flight.sort_unstable();
    let at = |rank: usize, most: usize| Measured {
        utilisation: seen[rank].utilisation,
        most_in_flight: in_flight[most],
    };
    (at(10, 10), at(1, 18))
}

#[test]
fn one_queue_is_kept_busy_and_not_flooded_by_one_to_four_replicas() {
    for replicas in [1, 2, 4] {
        let (median, worst) = runs(replicas, 1, 4);
        assert!(worst.utilisation >= 0.95, "{replicas} replicas: {worst:?}");
        assert!(median.most_in_flight <= 8, "{replicas} replicas: {median:?}");
        // Each learns by itself: a replica that sends more gets a larger share of the same capacity.
        assert!(worst.most_in_flight <= 12, "{replicas} replicas: {worst:?}");
    }
}

#[test]
fn processes_that_share_a_port_each_get_their_share() {
    for replicas in [1, 2, 4] {
        let (median, worst) = runs(replicas, 4, 1);
        assert!(median.utilisation >= 0.9, "{replicas} replicas: {median:?}");
        assert!(worst.utilisation >= 0.7, "{replicas} replicas: {worst:?}");
    }
}
