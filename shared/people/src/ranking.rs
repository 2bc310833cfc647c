//! Place of a post in the ranking.

/// Seconds by which a post is younger in the ranking when its likes (and one) grow e-fold: the likes of a day ago count
/// 1/e.
const LIFETIME: f64 = 86_400.0;

/// The order of likes that decay: `(1 + likes) · exp(-age / lifetime)` orders posts as `born_at + lifetime · ln(1 + likes)` does,
/// which does not change with time. `born_at` in seconds.
pub fn hotness(born_at: u64, likes: u32) -> u64 {
    let gained = (LIFETIME * (1.0 + f64::from(likes)).ln()).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 22 lifetimes: ln(2³²)"
    )]
    let gained = gained as u64;
    born_at.saturating_add(gained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes_decay_with_the_age_of_the_post() {
        let day = 86_400;
        assert_eq!(hotness(1000, 0), 1000);
        assert!(hotness(0, 9) > hotness(2 * day, 0), "ten times as many, two days older");
        assert!(hotness(0, 9) < hotness(3 * day, 0), "ten times as many, three days older");
        assert!(hotness(5, 10) > hotness(5, 9));
        assert!(hotness(0, u32::MAX) < 23 * day);
    }
}
