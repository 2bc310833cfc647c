//! One target's turn: what is due is sent, and the answers decide what follows.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use metrics::{counter, histogram};
use rand::RngExt;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};
use toneup_notify::claim::Delivery;
use toneup_notify::settle::{Attempt, Health, Next, Settlement};
use toneup_notify::targets::Target;
use toneup_notify::{ChannelKind, PING};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::channel::{Channel, SendOutcome};

/// Pause after a target could not be reached, whatever is due.
const REST: Duration = Duration::from_secs(5);
/// Longest time for which a receiver may ask to be left alone.
const LONGEST_REST: Duration = Duration::from_hours(6);

/// Makes those that failed together not return together: a fifth more or less.
pub(super) fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.8..=1.2))
}

/// Sends what is due to one target, at once.
pub(super) async fn take_turn<C: Channel>(
    channel: &C,
    target: &Target,
    token: Uuid,
    deliveries: Vec<Delivery>,
    longest: Duration,
) -> Settlement {
    let sending = deliveries.iter().map(|delivery| async move {
        let begun = Instant::now();
        let sending = channel.send(target, delivery).instrument(span(C::KIND, delivery));
        let sending = timeout(longest, sending);
        let outcome = match AssertUnwindSafe(sending).catch_unwind().await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => SendOutcome::unanswered(format_args!("no answer within {longest:?}")),
            Err(_) => SendOutcome::unanswered("an internal error"),
        };
        (outcome, begun.elapsed())
    });
    let answers = join_all(sending).await;
    let mut settlement = Settlement {
        target: target.id,
        token,
        health: health(&deliveries, &answers, C::GONE),
        rest: None,
        attempts: Vec::new(),
    };
    settlement.rest = rest(settlement.health, &answers);
    for (delivery, (outcome, duration)) in deliveries.iter().zip(answers) {
        let attempt = judge(delivery, outcome, duration, C::PAUSES);
        measure(C::KIND, delivery, &attempt);
        settlement.attempts.push(attempt);
    }
    settlement
}

/// An attempt's place in the trace of what the event is about.
fn span(channel: ChannelKind, delivery: &Delivery) -> Span {
    let span = tracing::info_span!(
        "push",
        otel.kind = "client",
        channel = channel.as_str(),
        delivery.id = %delivery.id.0,
        attempt = delivery.attempt,
    );
    if let Some(trace) = delivery.trace {
        trace.adopt(&span);
    }
    span
}

/// Determines the record of an attempt and the next step for its delivery.
fn judge(
    delivery: &Delivery,
    outcome: SendOutcome,
    duration: Duration,
    pauses: &[Duration],
) -> Attempt {
    let (status, error, next) = match outcome {
        SendOutcome::Delivered { status } => (Some(status), None, Next::Delivered),
        SendOutcome::Retry { status, error, after } => {
            let next = pauses
                .get(usize::from(delivery.attempt) - 1)
                // A ping shows how things are now.
                .filter(|_| delivery.event != PING)
                .map_or(Next::Failed, |pause| Next::Retry(jitter(*pause).max(asked(after))));
            (status, Some(error), next)
        }
        SendOutcome::Refused { status, error } => (Some(status), Some(error), Next::Failed),
        SendOutcome::GiveUp { status, error } | SendOutcome::TargetGone { status, error } => {
            (status, Some(error), Next::Failed)
        }
    };
    Attempt { delivery: delivery.id, number: delivery.attempt, status, error, duration, next }
}

fn asked(after: Option<Duration>) -> Duration {
    after.unwrap_or_default().min(LONGEST_REST)
}

/// Derives the target's health from the outcomes. A failed ping is ignored: its owner is trying things out.
fn health(deliveries: &[Delivery], answers: &[(SendOutcome, Duration)], gone: Health) -> Health {
    let any = |is: fn(&SendOutcome) -> bool| answers.iter().any(|(outcome, _)| is(outcome));
    let failed = deliveries.iter().zip(answers).any(|(delivery, (outcome, _))| {
        matches!(outcome, SendOutcome::Retry { .. }) && delivery.event != PING
    });
    if any(|outcome| matches!(outcome, SendOutcome::TargetGone { .. })) {
        gone
    } else if any(|outcome| matches!(outcome, SendOutcome::Delivered { .. })) {
        Health::Working
    } else if failed {
        Health::Failing
    } else if any(|outcome| matches!(outcome, SendOutcome::Refused { .. })) {
        Health::Refusing
    } else {
        Health::Unknown
    }
}

/// Returns the pause before the target is used again: what it asked for, and a short while after a failure.
fn rest(health: Health, answers: &[(SendOutcome, Duration)]) -> Option<Duration> {
    let asked = answers
        .iter()
        .filter_map(|(outcome, _)| match outcome {
            SendOutcome::Retry { after: Some(after), .. } => Some(asked(Some(*after))),
            _ => None,
        })
        .max();
    match health {
        Health::Failing | Health::Refusing => Some(jitter(REST).max(asked.unwrap_or_default())),
        _ => asked,
    }
}

fn measure(channel: ChannelKind, delivery: &Delivery, attempt: &Attempt) {
    let channel = channel.as_str();
    let result = match attempt.next {
        Next::Delivered => "delivered",
        Next::Retry(_) => "retried",
        Next::Failed => "failed",
    };
    counter!("toneup_pushes_total", "channel" => channel, "result" => result).increment(1);
    histogram!("toneup_push_answer_seconds", "channel" => channel).record(attempt.duration);
    if attempt.next == Next::Delivered && attempt.number == 1 {
        let delay = OffsetDateTime::now_utc() - delivery.created_at;
        histogram!("toneup_push_seconds", "channel" => channel)
            .record(delay.as_seconds_f64().max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use toneup_notify::{DeliveryId, TargetId};

    use super::super::channel::FOR_DAYS;
    use super::*;

    fn delivery(event: &str, attempt: u16) -> Delivery {
        Delivery {
            id: DeliveryId(Uuid::now_v7()),
            target: TargetId(Uuid::now_v7()),
            event: event.to_owned(),
            subject: None,
            attempt,
            created_at: OffsetDateTime::now_utc(),
            payload: None,
            trace: None,
        }
    }

    fn retry(after: Option<u64>) -> SendOutcome {
        let after = after.map(Duration::from_secs);
        SendOutcome::Retry { status: Some(503), error: String::new(), after }
    }

    fn next(event: &str, attempt: u16, outcome: SendOutcome) -> Next {
        judge(&delivery(event, attempt), outcome, Duration::ZERO, FOR_DAYS).next
    }

    const ENDED: &str = "analysis.succeeded";

    #[test]
    fn a_failed_delivery_is_tried_ten_times_over_three_days() {
        for attempt in 1..=9 {
            let pause = FOR_DAYS[usize::from(attempt) - 1];
            let Next::Retry(chosen) = next(ENDED, attempt, retry(None)) else {
                panic!("{attempt}")
            };
            assert!(chosen >= pause.mul_f64(0.79) && chosen <= pause.mul_f64(1.21), "{chosen:?}");
        }
        assert_eq!(next(ENDED, 10, retry(None)), Next::Failed);
        let days = FOR_DAYS.iter().sum::<Duration>().as_secs() / 86_400;
        assert_eq!(days, 3);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let at_least = |asked, least: Duration| match next(ENDED, 1, retry(Some(asked))) {
            Next::Retry(chosen) => assert_eq!(chosen, least),
            other => panic!("{other:?}"),
        };
        at_least(3600, Duration::from_hours(1));
        at_least(1_000_000, LONGEST_REST);
    }

    #[test]
    fn a_ping_is_not_repeated_and_what_is_given_up_neither() {
        assert_eq!(next(PING, 1, retry(None)), Next::Failed);
        let hopeless = SendOutcome::GiveUp { status: None, error: String::new() };
        assert_eq!(next(ENDED, 1, hopeless), Next::Failed);
        assert_eq!(next(ENDED, 1, SendOutcome::Delivered { status: 200 }), Next::Delivered);
    }

    #[test]
    fn answers_say_how_a_target_is() {
        let judged = |events: &[&str], outcomes: Vec<SendOutcome>| {
            let deliveries: Vec<Delivery> = events.iter().map(|event| delivery(event, 1)).collect();
            let answers: Vec<_> =
                outcomes.into_iter().map(|outcome| (outcome, Duration::ZERO)).collect();
            let health = health(&deliveries, &answers, Health::Gone);
            (health, rest(health, &answers).is_some())
        };
        let well = || SendOutcome::Delivered { status: 200 };
        let gone = SendOutcome::TargetGone { status: Some(410), error: String::new() };
        assert_eq!(judged(&[], vec![]), (Health::Unknown, false));
        assert_eq!(judged(&[ENDED], vec![well()]), (Health::Working, false));
        assert_eq!(judged(&[ENDED], vec![retry(None)]), (Health::Failing, true));
        assert_eq!(judged(&[ENDED, ENDED], vec![retry(None), well()]), (Health::Working, false));
        assert_eq!(judged(&[ENDED, ENDED], vec![retry(Some(9)), well()]), (Health::Working, true));
        assert_eq!(judged(&[ENDED, ENDED], vec![gone, well()]), (Health::Gone, false));
        let refused = || SendOutcome::Refused { status: 403, error: String::new() };
        assert_eq!(judged(&[ENDED], vec![refused()]), (Health::Refusing, true));
        assert_eq!(judged(&[ENDED, ENDED], vec![refused(), well()]), (Health::Working, false));
        assert_eq!(judged(&[PING], vec![retry(None)]), (Health::Unknown, false));
    }
}
