//! What a client may note with a submit: metadata, and a URL to call when the analysis ends.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::state::AnalysesState;
use crate::http::problem::ApiError;

/// Most members of the metadata.
const MEMBERS: usize = 16;
/// Most characters of a member's name, and of its value.
const NAME_LIMIT: usize = 40;
const VALUE_LIMIT: usize = 500;

/// The notes of a submit, as the client gives them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) webhook: Option<String>,
}

impl Notes {
    /// Checks both; the URL leads where a webhook may.
    pub(super) fn check(self, state: &AnalysesState) -> Result<Self, ApiError> {
        let Self { metadata, webhook } = self;
        let fits = |(name, value): (&String, &String)| {
            (1..=NAME_LIMIT).contains(&name.chars().count()) && value.chars().count() <= VALUE_LIMIT
        };
        if metadata.len() > MEMBERS || !metadata.iter().all(fits) {
            let detail = format!(
                "expected at most {MEMBERS} members, with names of 1 to {NAME_LIMIT} characters and values of at most {VALUE_LIMIT}"
            );
            return Err(ApiError::invalid("metadata", detail));
        }
        let webhook = webhook.map(|url| state.webhooks.check("webhook", &url)).transpose()?;
        Ok(Self { metadata, webhook })
    }

    /// Adds them to the fingerprint of a request. Without any, it is that of the photo alone.
    pub(super) fn add_to(&self, digest: &mut Sha256) {
        let mut add = |text: &str| {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        };
        for (name, value) in &self.metadata {
            add(name);
            add(value);
        }
        if let Some(url) = &self.webhook {
            add("webhook");
            add(url);
        }
    }
}
