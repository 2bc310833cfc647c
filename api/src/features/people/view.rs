//! A profile as clients see it.

use serde::Serialize;
use toneup_colour::result::PersonalColor;
use utoipa::ToSchema;
use uuid::Uuid;

use super::profile::{Profile, Relation};
use crate::features::pictures::{PictureUrls, PictureView};

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileView {
    id: Uuid,
    /// The public number, for clients that know numbers only.
    number: u64,
    nickname: String,
    bio: String,
    /// The season of the latest analysis that succeeded; null before the first.
    personal_color: Option<PersonalColor>,
    picture: Option<PictureView>,
    /// How many follow this user.
    followers: u32,
    /// How many this user follows.
    following: u32,
    /// What is between the caller and this user; null for the caller.
    relation: Option<RelationView>,
}

/// What is between the caller and another user.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RelationView {
    /// The caller follows them.
    is_following: bool,
    /// They follow the caller.
    is_follower: bool,
    /// The caller blocks them.
    is_blocked: bool,
    /// The caller mutes them.
    is_muted: bool,
}

impl ProfileView {
    /// Builds the view of the caller's own profile.
    pub(super) fn own(profile: Profile, urls: &PictureUrls) -> Self {
        Self {
            id: profile.id.0,
            number: profile.number,
            nickname: profile.nickname,
            bio: profile.bio,
            personal_color: profile.colour,
            picture: profile.picture.as_ref().map(|picture| urls.view(picture)),
            followers: profile.followers,
            following: profile.following,
            relation: None,
        }
    }

    /// Builds the view of another user's profile.
    pub(super) fn of_another(profile: Profile, urls: &PictureUrls) -> Self {
        let Relation { is_following, is_follower, is_blocked, is_muted } = profile.relation;
        let relation = RelationView { is_following, is_follower, is_blocked, is_muted };
        Self { relation: Some(relation), ..Self::own(profile, urls) }
    }
}
