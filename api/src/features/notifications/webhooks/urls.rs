//! URLs that webhooks lead to.

use url::Url;

use super::guard::AllowedHosts;
use crate::features::notifications::settings::NotificationsSettings;
use crate::http::problem::ApiError;

/// Most characters of a URL.
const URL_LIMIT: usize = 2048;

/// Checks URLs before they are stored; where they lead is checked again at each request. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WebhookUrls(AllowedHosts);

impl WebhookUrls {
    /// Takes the hosts of the settings.
    pub(crate) fn new(settings: &NotificationsSettings) -> Self {
        Self(settings.webhook_allowed.clone())
    }

    /// Normalizes a URL; refuses one that is none, or leads where no webhook may, naming the field.
    pub(crate) fn check(&self, field: &str, text: &str) -> Result<String, ApiError> {
        let refused = |detail: String| ApiError::invalid(field, detail);
        let url: Url = text.parse().map_err(|error| refused(format!("expected a URL: {error}")))?;
        self.0.check(&url).map_err(|refusal| refused(refusal.to_string()))?;
        let url = url.to_string();
        if url.len() > URL_LIMIT {
            return Err(refused(format!("expected at most {URL_LIMIT} characters")));
        }
        Ok(url)
    }
}
