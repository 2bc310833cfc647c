//! Capacity of the analyzers, as workers publish it in Redis, and the number of workers that it can keep busy.

use toneup_platform::config::RedisConfig;

/// Most jobs of one worker at a time: bounds the photos in memory, and is the basis of the number of replicas.
pub const JOBS_PER_WORKER: u16 = 64;

/// Redis key under which workers publish the number of concurrent requests that the analyzers can process.
pub fn capacity_key(config: &RedisConfig) -> String {
    format!("{}flow:limit", config.redis_prefix)
}

/// Redis key under which workers publish the analyzers' models.
pub fn models_key(config: &RedisConfig) -> String {
    format!("{}flow:models", config.redis_prefix)
}

/// Number of workers that are of use: as many as the waiting jobs keep busy, and no more than the analyzers can feed.
/// At least one.
pub fn desired_workers(jobs: u32, capacity: Option<u32>) -> u32 {
    let useful = capacity.map_or(jobs, |capacity| jobs.min(capacity));
    useful.div_ceil(JOBS_PER_WORKER.into()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_wanted_for_what_waits_and_what_the_analyzers_take() {
        assert_eq!(desired_workers(0, None), 1);
        assert_eq!(desired_workers(10_000, Some(5)), 1);
        assert_eq!(desired_workers(10_000, Some(200)), 4);
        assert_eq!(desired_workers(130, Some(200)), 3);
        assert_eq!(desired_workers(130, None), 3);
    }
}
