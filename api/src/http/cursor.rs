//! Lists whose places are numbers: pages with opaque cursors, each of which belongs to one list.

use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::ApiError;

/// Most entries of a page.
const MOST: u32 = 50;

/// Query parameters of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Entries a page, 1 to 50.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: u32,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    20
}

/// A place in a list: one number, or two where the first is not unique.
pub(crate) type Place = (u64, u64);

/// A page that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListPage {
    /// Entries.
    pub(crate) limit: u32,
    /// The last entry of the page before.
    pub(crate) after: Option<Place>,
}

impl ListQuery {
    /// Checks what the client asks for. `list` names the list, so that no cursor of another one is taken.
    pub(crate) fn check(&self, list: &str) -> Result<ListPage, ApiError> {
        if !(1..=MOST).contains(&self.limit) {
            return Err(ApiError::invalid("limit", format!("expected 1 to {MOST}")));
        }
        let parse = |cursor: &String| {
            let place = parse(list, cursor);
            place.ok_or_else(|| ApiError::invalid("cursor", "expected nextCursor of this list"))
        };
        Ok(ListPage { limit: self.limit, after: self.cursor.as_ref().map(parse).transpose()? })
    }
}

impl ListPage {
    /// A page of a client that is not told what it may ask for: bounded instead of refused.
    pub(crate) fn bounded(limit: i64, after: Option<Place>) -> Self {
        let limit = u32::try_from(limit.clamp(1, i64::from(MOST))).unwrap_or(MOST);
        Self { limit, after }
    }

    /// Entries to read: one more than the page, to see whether another page follows.
    pub(crate) fn reach(self) -> u32 {
        self.limit + 1
    }

    /// Entries of the page.
    pub(crate) fn length(self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// Leaves the page of what was read; the place of its last entry, if there is another page.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>, place: impl Fn(&T) -> Place) -> Option<Place> {
        let more = found.len() > self.length();
        found.truncate(self.length());
        found.last().filter(|_| more).map(place)
    }
}

/// Writes the cursor of a place.
pub(crate) fn write(list: &str, (first, second): Place) -> String {
    format!("{list}-{first:x}-{second:x}")
}

fn parse(list: &str, cursor: &str) -> Option<Place> {
    let (first, second) = cursor.strip_prefix(list)?.strip_prefix('-')?.split_once('-')?;
    let number = |text: &str| {
        let plain = text.chars().all(|c| c.is_ascii_hexdigit());
        plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    };
    Some((number(first)?, number(second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list_and_is_read_as_it_was_written() {
        for place in [(0, 0), (7, u64::MAX), (u64::MAX, 1)] {
            assert_eq!(parse("home", &write("home", place)), Some(place));
            assert_eq!(parse("liked", &write("home", place)), None);
        }
        for text in
            ["", "home", "home-", "home-1", "home-1-", "home-1-x", "home-+1-2", "home-1-2-3"]
        {
            assert_eq!(parse("home", text), None, "{text}");
        }
    }

    #[test]
    fn limits_are_refused_or_bounded() {
        for limit in [0, 51, 1_000_000_000] {
            assert!(ListQuery { limit, cursor: None }.check("home").is_err());
        }
        for (limit, bounded) in [(-1, 1), (0, 1), (10, 10), (1_000_000_000, 50)] {
            assert_eq!(ListPage::bounded(limit, None).limit, bounded);
        }
    }

    #[test]
    fn a_page_has_a_successor_where_more_was_found() {
        let page = ListPage { limit: 2, after: None };
        let mut found = vec![3, 2, 1];
        assert_eq!(page.cut(&mut found, |one| (*one, 0)), Some((2, 0)));
        assert_eq!(found, [3, 2]);
        assert_eq!(page.cut(&mut found, |one| (*one, 0)), None);
    }
}
