//! Long lists, page by page, newest first. A cursor is the id of the last entry before the page.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::problem::ApiError;

/// Query parameters of pagination.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Entries a page, 1 to 100.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: u32,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    20
}

/// A page that can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    limit: u32,
    /// Entries from just before this one.
    pub(crate) before: Option<Uuid>,
}

impl PageQuery {
    /// Checks what the client asks for.
    pub(crate) fn check(self) -> Result<Page, ApiError> {
        if !(1..=100).contains(&self.limit) {
            return Err(ApiError::invalid("limit", "expected 1 to 100"));
        }
        let parse = |cursor: String| {
            let id = Uuid::try_parse(&cursor);
            id.map_err(|_| ApiError::invalid("cursor", "expected nextCursor of a page"))
        };
        Ok(Page { limit: self.limit, before: self.cursor.map(parse).transpose()? })
    }
}

impl Page {
    /// Returns the number of entries to read: one more than the page, to detect whether another page follows.
    pub(crate) fn reach(self) -> u32 {
        self.limit + 1
    }

    /// Leaves the page of what was read; the cursor of the next one, if there is one.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let more = found.len() > usize::try_from(self.limit).unwrap_or(usize::MAX);
        if more {
            found.pop();
        }
        found.last().filter(|_| more).map(|last| id(last).simple().to_string())
    }
}
