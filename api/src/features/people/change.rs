//! Changes of one's own profile.

use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;

use super::nickname::Nickname;
use super::problems::{nickname_invalid, nickname_taken};
use super::profile::{self, Changed};
use super::state::PeopleState;
use crate::http::problem::ApiError;

/// Characters of a bio.
const BIO_LENGTH: usize = 100;

/// The new values; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProfileChange {
    /// 2 to 20 letters or digits.
    pub(crate) nickname: Option<String>,
    /// At most 100 characters.
    pub(crate) bio: Option<String>,
}

/// Changes the user's profile: all that is given, or nothing where a part is refused.
pub(crate) async fn change_profile(
    state: &PeopleState,
    user: UserId,
    change: ProfileChange,
) -> Result<(), ApiError> {
    let nickname = change.nickname.as_deref().map(|text| {
        let nickname = Nickname::parse(text);
        nickname.ok_or_else(nickname_invalid)
    });
    let nickname = nickname.transpose()?;
    let bio = change.bio.as_deref().map(check_bio).transpose()?;
    let changing = bounded(async {
        let mut connection = state.pool.acquire().await?;
        profile::change(&mut connection, user, nickname.as_ref(), bio).await
    });
    match changing.await? {
        Changed::Done => Ok(()),
        Changed::NicknameTaken => Err(nickname_taken()),
        Changed::Missing => Err(ApiError::NotFound),
    }
}

fn check_bio(bio: &str) -> Result<&str, ApiError> {
    let bio = bio.trim();
    if bio.chars().count() > BIO_LENGTH {
        let detail = format!("expected at most {BIO_LENGTH} characters");
        return Err(ApiError::invalid("bio", detail));
    }
    if bio.chars().any(|c| c.is_control() && c != '\n') {
        return Err(ApiError::invalid("bio", "expected no control characters but line feeds"));
    }
    Ok(bio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bio_has_at_most_a_hundred_characters_and_no_control_characters() {
        assert_eq!(check_bio(" 안녕\nhi ").unwrap(), "안녕\nhi");
        assert!(check_bio(&"봄".repeat(100)).is_ok() && check_bio("").is_ok());
        assert!(check_bio(&"봄".repeat(101)).is_err());
        assert!(check_bio("a\u{7}b").is_err() && check_bio("a\tb").is_err());
    }
}
