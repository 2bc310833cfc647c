//! Export of flow control's state to operators: the replica's report and the metrics.

use std::collections::{BTreeMap, BTreeSet};

use metrics::gauge;
use toneup_operate::replicas::{AnalyzerView, WorkerLoad};

use super::State;
use super::instance::Instance;

/// Labels of the exported gauges, which are set to zero when their instance is gone.
#[derive(Debug, Default)]
pub(super) struct Exported(BTreeSet<String>);

impl State {
    /// Load and limits of this worker, by analyzer.
    pub(super) fn load(&self) -> WorkerLoad {
        let shared = self.admission.is_shared();
        let mut analyzers: BTreeMap<&str, AnalyzerView> = BTreeMap::new();
        for (id, instance) in self.admission.instances() {
            let Some(endpoint) = self.endpoints.get(&id) else { continue };
            let label = endpoint.label.as_str();
            let view = analyzers.entry(label).or_insert_with(|| empty(label));
            view.limit += instance.limit(shared);
            add(view, instance);
        }
        WorkerLoad {
            limit: self.admission.limit(),
            in_flight: self.admission.in_flight(),
            waiting: u32::try_from(self.starting.len()).unwrap_or(u32::MAX),
            analyzers: analyzers.into_values().collect(),
        }
    }

    /// Sets the gauges of all instances.
    pub(super) fn export(&mut self) {
        let WorkerLoad { waiting, analyzers, .. } = self.load();
        gauge!("toneup_worker_waiting_jobs").set(waiting);
        let mut gone = std::mem::take(&mut self.exported.0);
        for view in analyzers {
            set(&view);
            gone.remove(&view.instance);
            self.exported.0.insert(view.instance);
        }
        for label in gone {
            set(&empty(&label));
        }
    }
}

/// Adds an instance to a view; those beyond the first few dozen share one.
fn add(view: &mut AnalyzerView, instance: &Instance) {
    view.in_flight += instance.in_flight();
    view.slots = match (view.slots, instance.slots()) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    };
    view.breaker_open |= instance.is_away();
}

fn empty(label: &str) -> AnalyzerView {
    AnalyzerView {
        instance: label.to_owned(),
        limit: 0,
        in_flight: 0,
        slots: None,
        breaker_open: false,
    }
}

fn set(view: &AnalyzerView) {
    let label = || view.instance.clone();
    gauge!("toneup_analyzer_limit", "instance" => label()).set(view.limit);
    gauge!("toneup_analyzer_in_flight", "instance" => label()).set(view.in_flight);
    let open = u8::from(view.breaker_open);
    gauge!("toneup_analyzer_breaker_open", "instance" => label()).set(open);
}
