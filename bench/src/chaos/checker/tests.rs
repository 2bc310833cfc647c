use std::time::Duration;

use super::*;
use crate::chaos::evidence::{CountRow, LikeRow, OutcomeRow, PostRow};
use crate::chaos::faults::Injected;
use crate::chaos::schedule::Fault;
use crate::stub::calls::Call;

const JOB: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const POST: Uuid = Uuid::from_u128(3);
const USER: Uuid = Uuid::from_u128(4);

/// Evidence of one job without faults: submitted at 1 s, called at 2 s, ended at 3 s, notified at 3.1 s.
fn good() -> Evidence {
    let row = AnalysisRow {
        id: JOB,
        status: "succeeded".into(),
        attempt: 1,
        traceparent: Some("00-aa-01-01".into()),
        deadline_ms: None,
        created_ms: 1_000.0,
        started_ms: Some(1_500.0),
        finished_ms: Some(3_000.0),
    };
    Evidence {
        ledger: vec![
            Entry::Submits { job: 0, trace_id: "aa".into(), deadline_ms: None, at_ms: 900.0 },
            Entry::Accepted { job: 0, analysis: JOB, at_ms: 1_010.0 },
            told(5, "succeeded", 3_100.0),
            Entry::Witnessed { event: 5, analysis: JOB, visible: true },
            Entry::Posts { number: 0, text: "post 0".into() },
            Entry::Posted { number: 0, post: POST },
            Entry::Likes { user: USER, post: POST, likes: true },
            liked(true),
        ],
        analyses: vec![row],
        outcomes: vec![OutcomeRow { analysis: JOB, error_code: None, has_result: true }],
        events: vec![EventRow {
            analysis: JOB,
            event: 5,
            status: "succeeded".into(),
            created_ms: 3_000.0,
        }],
        posts: vec![PostRow {
            id: POST,
            text: "post 0".into(),
            state: "ready".into(),
            is_pending: false,
        }],
        likes: vec![LikeRow { post: POST, user: USER }],
        counts: vec![CountRow { post: POST, likes: 1, counted: 1 }],
        calls: vec![call(2_000.0)],
        queues: vec![(JOBS.into(), 0)],
        dead_letters: vec![POISON.into()],
        max_attempts: 5,
        faults: Vec::new(),
        incidents: Vec::new(),
    }
}

fn told(event: u64, status: &str, at_ms: f64) -> Entry {
    Entry::Told { user: 0, event, analysis: JOB, status: status.into(), at_ms }
}

fn liked(liked: bool) -> Entry {
    Entry::LikeAnswered { user: USER, post: POST, status: 200, liked: Some(liked) }
}

fn call(at_ms: f64) -> Call {
    Call { trace_id: "aa".into(), at_ms, answered: false }
}

/// Findings about a run that is correct except for one change.
fn broken(spoil: impl FnOnce(&mut Evidence)) -> Vec<(Class, &'static str)> {
    let mut evidence = good();
    spoil(&mut evidence);
    let findings = check(&evidence).findings;
    findings.iter().map(|finding| (finding.class, finding.rule)).collect()
}

#[test]
fn a_good_run_is_found_good_and_was_looked_at() {
    let verdict = check(&good());
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.ends["succeeded"], 1);
    for (what, count) in verdict.looked_at {
        assert_eq!(count, 1, "{what}");
    }
}

#[test]
fn an_accepted_job_without_a_row_is_lost() {
    let found =
        broken(|run| run.ledger.push(Entry::Accepted { job: 1, analysis: OTHER, at_ms: 0.0 }));
    assert_eq!(found, [(Class::Lost, "an accepted job is in the database")]);
}

#[test]
fn a_job_that_never_ends_is_lost() {
    let found = broken(|run| run.analyses[0].status = "queued".into());
    assert!(found.contains(&(Class::Lost, "every job ends")), "{found:?}");
}

#[test]
fn a_missing_outcome_or_event_is_lost() {
    assert_eq!(broken(|run| run.outcomes.clear()), [(Class::Lost, "every end has its outcome")]);
    let found = broken(|run| run.events.clear());
    assert!(found.contains(&(Class::Lost, "every end has its event")), "{found:?}");
}

#[test]
fn a_second_outcome_event_or_analysis_is_a_repetition() {
    let found = broken(|run| run.outcomes.push(run.outcomes[0].clone()));
    assert_eq!(found, [(Class::Repeated, "one job has one outcome")]);
    let found = broken(|run| run.events.push(EventRow { event: 6, ..run.events[0].clone() }));
    assert_eq!(found, [(Class::Repeated, "one job has one event")]);
    let found = broken(|run| {
        run.ledger.push(Entry::Accepted { job: 0, analysis: OTHER, at_ms: 0.0 });
    });
    assert!(found.contains(&(Class::Repeated, "one idempotency key is one analysis")), "{found:?}");
    let found =
        broken(|run| run.analyses.push(AnalysisRow { id: OTHER, ..run.analyses[0].clone() }));
    assert!(found.contains(&(Class::Repeated, "one submit is one row")), "{found:?}");
}

#[test]
fn a_client_that_was_not_told_lost_the_news() {
    let found = broken(|run| run.ledger.retain(|entry| !matches!(entry, Entry::Told { .. })));
    assert_eq!(found, [(Class::Lost, "every client is told every end")]);
}

#[test]
fn being_told_twice_is_fine_and_with_another_id_or_news_is_not() {
    assert_eq!(broken(|run| run.ledger.push(told(5, "succeeded", 4_000.0))), []);
    let found = broken(|run| run.ledger.push(told(6, "succeeded", 4_000.0)));
    assert!(found.contains(&(Class::Repeated, "an event keeps its id and its news")), "{found:?}");
    assert!(found.contains(&(Class::Broken, "what is told is in the log")), "{found:?}");
    let found = broken(|run| run.ledger.push(told(5, "failed", 4_000.0)));
    assert!(found.contains(&(Class::Repeated, "an event keeps its id and its news")), "{found:?}");
}

#[test]
fn being_told_before_the_commit_is_found_by_the_clock_and_by_the_witness() {
    let rule = (Class::Broken, "nobody is told before the commit");
    assert_eq!(broken(|run| run.ledger[2] = told(5, "succeeded", 2_900.0)), [rule]);
    let unseen = Entry::Witnessed { event: 5, analysis: JOB, visible: false };
    assert_eq!(broken(|run| run.ledger[3] = unseen), [rule]);
}

#[test]
fn a_call_after_the_end_is_a_repetition_unless_its_link_held_it_back() {
    let rule = (Class::Repeated, "no call after the end");
    assert_eq!(broken(|run| run.calls.push(call(3_900.0))), [], "on its way");
    assert_eq!(broken(|run| run.calls.push(call(4_100.0))), [rule]);
    let fault = Fault {
        kind: Kind::Break(Link::WorkerAnalyzer, Breakage::Stall),
        replica: None,
        begins: Duration::ZERO,
        lasts: Duration::ZERO,
    };
    let stall = |began_ms| Injected { fault, began_ms, cleared_ms: 9_000.0, recovery_ms: None };
    let held = broken(|run| {
        run.calls.push(call(9_100.0));
        run.faults.push(stall(2_500.0));
    });
    assert_eq!(held, [], "sent before the end, perhaps");
    let late = broken(|run| {
        run.calls.push(call(9_100.0));
        run.faults.push(stall(6_000.0));
    });
    assert_eq!(late, [rule], "the link was whole when the job ended");
}

#[test]
fn a_call_for_no_job_is_found() {
    let stray = Call { trace_id: "bb".into(), at_ms: 0.0, answered: false };
    let found = broken(|run| run.calls.push(stray));
    assert_eq!(found, [(Class::Broken, "the analyzer is called for jobs only")]);
}

#[test]
fn too_many_attempts_are_found() {
    let found = broken(|run| run.analyses[0].attempt = 6);
    assert_eq!(found, [(Class::Broken, "attempts are never exceeded")]);
}

#[test]
fn what_is_left_in_a_queue_is_found() {
    let rule = (Class::Broken, "the queue is empty at the end");
    assert_eq!(broken(|run| run.queues[0].1 = 1), [rule]);
    assert_eq!(broken(|run| run.queues.clear()), [rule], "a queue that is gone is not empty");
    let found = broken(|run| run.dead_letters.push("{\"jobId\":1}".into()));
    assert_eq!(found, [(Class::Broken, "only poison is dead-lettered")]);
    let poison =
        Fault { kind: Kind::Poison, replica: None, begins: Duration::ZERO, lasts: Duration::ZERO };
    let poisoned = Injected { fault: poison, began_ms: 0.0, cleared_ms: 0.0, recovery_ms: None };
    assert_eq!(broken(|run| run.faults.push(poisoned)), []);
    let found = broken(|run| {
        run.faults.push(poisoned);
        run.dead_letters.clear();
    });
    assert_eq!(found, [(Class::Lost, "poison is kept for an operator")]);
}

#[test]
fn a_submit_that_was_never_accepted_or_refused_is_found() {
    let more = |entry: Entry| broken(move |run| run.ledger.push(entry));
    let submits = Entry::Submits { job: 1, trace_id: "bb".into(), deadline_ms: None, at_ms: 0.0 };
    assert_eq!(
        more(submits),
        [(Class::Broken, "a submit that is repeated is accepted in the end")]
    );
    let refused = Entry::Refused { job: 1, status: 422, code: "X".into(), at_ms: 0.0 };
    assert_eq!(more(refused.clone()), [(Class::Broken, "a right submit is accepted")]);
    let hurried = broken(move |run| {
        let deadline_ms = Some(1.0);
        let trace_id = "bb".into();
        run.ledger.push(Entry::Submits { job: 1, trace_id, deadline_ms, at_ms: 0.0 });
        run.ledger.push(refused);
    });
    assert_eq!(hurried, [], "it was told so");
}

#[test]
fn cancelled_and_expired_are_for_those_who_asked_for_it() {
    let end = |status: &'static str| {
        broken(move |run| {
            run.analyses[0].status = status.into();
            run.events[0].status = status.into();
            run.ledger[2] = told(5, status, 3_100.0);
            run.outcomes[0].has_result = false;
        })
    };
    assert_eq!(end("cancelled"), [(Class::Broken, "only what a client cancels is cancelled")]);
    assert_eq!(end("expired"), [(Class::Broken, "only what is late expires")]);
    let late = broken(|run| run.analyses[0].deadline_ms = Some(1_200.0));
    assert_eq!(late, [(Class::Broken, "nothing is started late")]);
}

#[test]
fn incidents_count() {
    let found = broken(|run| run.incidents.push("api-1 ended by itself".into()));
    assert_eq!(found, [(Class::Broken, "nothing else goes wrong")]);
}

#[test]
fn an_analysis_is_counted_once_however_much_is_wrong_with_it() {
    let mut evidence = good();
    evidence.outcomes.clear();
    evidence.events.clear();
    assert_eq!(check(&evidence).count(Class::Lost), 1);
}

#[test]
fn posts_that_are_lost_doubled_or_stuck_are_found() {
    let lost = (Class::Lost, "an accepted post is in the database");
    assert!(broken(|run| run.posts.clear()).contains(&lost));
    let other = || PostRow { id: OTHER, ..good().posts.remove(0) };
    assert_eq!(broken(|run| run.posts.push(other())), [(Class::Repeated, "one post is one row")]);
    let twice = Entry::Posted { number: 0, post: OTHER };
    let found = broken(|run| run.ledger.push(twice));
    assert!(found.contains(&(Class::Repeated, "one key is one post")), "{found:?}");
    let stuck = (Class::Lost, "a post is shown when its pictures are made");
    assert_eq!(broken(|run| run.posts[0].state = "processing".into()), [stuck]);
    let found = broken(|run| {
        run.posts[0].state = "processing".into();
        run.posts[0].is_pending = true;
    });
    assert_eq!(found, [], "it may take its time");
    let refused = Entry::PostRefused { number: 0, status: 500, code: "internal".into() };
    let found = broken(|run| run.ledger.push(refused));
    assert_eq!(found, [(Class::Broken, "a right post is accepted")]);
    let unasked = PostRow { id: OTHER, text: "post 1".into(), ..good().posts.remove(0) };
    let found = broken(|run| run.posts.push(unasked));
    assert_eq!(found, [(Class::Broken, "every post was asked for")]);
}

#[test]
fn likes_are_as_their_people_were_told_last() {
    let lost = (Class::Lost, "a like that was granted is a row");
    let wrong_count = (Class::Broken, "a count is that of the rows");
    assert_eq!(broken(|run| run.likes.clear()), [lost]);
    assert_eq!(broken(|run| run.counts[0].likes = 2), [wrong_count]);
    let gone = (Class::Broken, "what is liked no longer is no row");
    assert_eq!(broken(|run| run.ledger.push(liked(false))), [gone]);
    let strange = (Class::Broken, "every like was asked for");
    let found = broken(|run| run.likes[0].user = OTHER);
    assert!(found.contains(&strange) && found.contains(&lost), "{found:?}");
    let wish = || Entry::Likes { user: USER, post: POST, likes: false };
    assert_eq!(broken(|run| run.ledger.push(wish())), [], "granted or not: nobody was told");
    let unknown = broken(|run| {
        run.ledger.push(wish());
        run.likes.clear();
    });
    assert_eq!(unknown, []);
    let not_shown = Entry::LikeAnswered { user: USER, post: POST, status: 404, liked: None };
    let found = broken(|run| run.ledger.extend([wish(), not_shown]));
    assert_eq!(found, [], "nothing has changed");
    let refused = Entry::LikeAnswered { user: USER, post: POST, status: 500, liked: None };
    let found = broken(|run| run.ledger.push(refused));
    assert_eq!(found, [(Class::Broken, "a right like is granted")]);
}
