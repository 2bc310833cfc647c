//! The features, one folder each: routes, SQL, error codes, settings, retention rules. A feature uses of another only what
//! the other's `mod.rs` re-exports.

pub mod accounts;
pub mod admin;
pub mod analyses;
pub mod catalogue;
pub mod chat;
pub mod comments;
pub mod legacy_app;
pub mod likes;
pub mod notices;
pub mod notifications;
pub mod people;
pub mod personal_data;
pub mod pictures;
pub mod posts;
pub mod reports;
pub mod sign_in;
pub mod uploads;
pub mod web;

use toneup_catalogue::config::CatalogueConfig;
use toneup_platform::config::{ConfigError, Settings};

use self::accounts::AccountsSettings;
use self::analyses::AnalysesSettings;
use self::chat::ChatSettings;
use self::legacy_app::LegacyAppSettings;
use self::notices::NoticesSettings;
use self::notifications::NotificationsSettings;
use self::sign_in::SignInSettings;
use self::uploads::UploadsSettings;
use crate::http::problem::ProblemKind;

/// The kinds of problems that the features raise.
pub const PROBLEMS: &[&[ProblemKind]] = &[
    accounts::PROBLEMS,
    analyses::PROBLEMS,
    catalogue::PROBLEMS,
    chat::PROBLEMS,
    legacy_app::PROBLEMS,
    notifications::PROBLEMS,
    people::PROBLEMS,
    posts::PROBLEMS,
    sign_in::PROBLEMS,
];

/// The settings of all features.
#[derive(Debug, Clone)]
pub struct FeatureSettings {
    /// Settings of accounts: sessions and tokens.
    pub accounts: AccountsSettings,
    /// Settings of analyses.
    pub analyses: AnalysesSettings,
    /// Files of the catalogue.
    pub catalogue: CatalogueConfig,
    /// Settings of conversations.
    pub chat: ChatSettings,
    /// Settings of the legacy endpoints.
    pub legacy_app: LegacyAppSettings,
    /// Notices.
    pub notices: NoticesSettings,
    /// Settings of notifications: webhooks, Web Push and FCM.
    pub notifications: NotificationsSettings,
    /// Signing in with accounts elsewhere.
    pub sign_in: SignInSettings,
    /// Settings of presigned uploads.
    pub uploads: UploadsSettings,
}

impl FeatureSettings {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            accounts: AccountsSettings::load(settings)?,
            analyses: AnalysesSettings::load(settings)?,
            catalogue: settings.section()?,
            chat: ChatSettings::load(settings)?,
            legacy_app: LegacyAppSettings::load(settings)?,
            notices: NoticesSettings::load(settings)?,
            notifications: NotificationsSettings::load(settings)?,
            sign_in: SignInSettings::load(settings)?,
            uploads: UploadsSettings::load(settings)?,
        })
    }
}
