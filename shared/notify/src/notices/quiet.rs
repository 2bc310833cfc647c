//! Quiet hours: a span of the day in which a user's devices are not rung.

use std::time::Duration;

use time::{OffsetDateTime, UtcOffset};

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;

/// A span of the day, which may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Begin, in minutes from the user's midnight.
    pub from: u16,
    /// End, likewise; equal to the begin: never quiet.
    pub until: u16,
    /// Minutes of the user's clock from UTC.
    pub utc_offset: i16,
}

impl QuietHours {
    /// Time until the quiet hours end; zero outside them.
    pub fn left(self, now: OffsetDateTime) -> Duration {
        let offset = UtcOffset::from_whole_seconds(i32::from(self.utc_offset) * 60);
        let local = now.to_offset(offset.unwrap_or(UtcOffset::UTC));
        let minute = u16::from(local.hour()) * 60 + u16::from(local.minute());
        let length = (self.until + DAY - self.from) % DAY;
        let passed = (minute + DAY - self.from) % DAY;
        if passed >= length {
            return Duration::ZERO;
        }
        let minutes = Duration::from_mins(u64::from(length - passed));
        minutes.saturating_sub(Duration::from_secs(u64::from(local.second())))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NIGHT: QuietHours = QuietHours { from: 22 * 60, until: 7 * 60, utc_offset: 540 };

    #[test]
    fn a_night_in_seoul_passes_midnight() {
        // 21:59:59, 22:00, 03:30 and 07:00 in Seoul.
        assert_eq!(NIGHT.left(datetime!(2026-11-30 12:59:59 UTC)), Duration::ZERO);
        assert_eq!(NIGHT.left(datetime!(2026-11-30 13:00 UTC)), Duration::from_hours(9));
        assert_eq!(NIGHT.left(datetime!(2026-11-30 18:30:20 UTC)).as_secs(), 3 * 3600 + 1780);
        assert_eq!(NIGHT.left(datetime!(2026-11-30 22:00 UTC)), Duration::ZERO);
    }

    #[test]
    fn a_span_without_length_is_never_quiet() {
        let never = QuietHours { from: 60, until: 60, utc_offset: 0 };
        assert_eq!(never.left(datetime!(2026-11-30 01:00 UTC)), Duration::ZERO);
    }
}
