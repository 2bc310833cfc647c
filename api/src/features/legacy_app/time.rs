//! Times as the app reads them.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::features::chat::KOREA;

/// A time without fraction and zone; Korea's.
pub(super) fn local(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    time.to_offset(KOREA).format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_neither_fraction_nor_zone() {
        let time = OffsetDateTime::from_unix_timestamp(1_772_366_400).unwrap();
        assert_eq!(local(time + time::Duration::milliseconds(250)), "2026-03-01T21:00:00");
    }
}
