//! Export of a user's analyses.

use futures_util::FutureExt;
use toneup_colour::analysis::list_owned;
use toneup_jobs::job::JobId;
use toneup_jobs::store::read::Filter;

use super::view::AnalysisView;
use crate::http::export::{Export, ExportPage};
use crate::http::language::Language;

/// Entries of a page.
const PAGE: u32 = 100;

/// The lists of analyses.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("analyses", |conn, user, from| {
        async move {
            let before = from.and_then(|text| text.parse().ok()).map(JobId);
            let found = list_owned(conn, user, Filter::default(), before, PAGE).await?;
            let whole = found.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = found.last().filter(|_| whole).map(|last| last.id.0.to_string());
            let view = |analysis| AnalysisView::placed(analysis, None, Language::English);
            ExportPage::of(found.into_iter().map(view), next)
        }
        .boxed()
    })]
}
