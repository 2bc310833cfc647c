//! The contents of notifications about analyses: the season, or that there is none. Nothing else about the person.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use sqlx::MySqlConnection;
use toneup_colour::analysis::{Analysis, find_all};
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_notify::claim::Delivery;
use uuid::Uuid;

use super::view::AnalysisView;
use crate::features::notifications::{EventContent, EventFormat, Notification, Words};
use crate::http::language::Language;

/// The reason why an event of a deleted analysis is not sent.
const GONE: &str = "the analysis is gone";

/// Formats the events named `analysis.…`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnalysisEvents;

impl AnalysisEvents {
    /// The prefix of the events' names.
    pub(crate) const PREFIX: &'static str = "analysis.";
}

impl EventFormat for AnalysisEvents {
    fn names(&self) -> &'static [&'static str] {
        &["analysis.succeeded", "analysis.failed", "analysis.cancelled", "analysis.expired"]
    }

    fn load<'a>(
        &'a self,
        conn: &'a mut MySqlConnection,
        subjects: Vec<Uuid>,
    ) -> BoxFuture<'a, Result<HashMap<Uuid, EventContent>, sqlx::Error>> {
        async move {
            let found = find_all(conn, subjects.into_iter().map(JobId)).await?;
            let content = |analysis: Analysis| {
                let (id, trace) = (analysis.id.0, analysis.trace);
                let view = AnalysisView::placed(analysis, None, Language::default());
                let payload = serde_json::to_value(view).ok()?;
                Some((id, EventContent { payload, trace }))
            };
            Ok(found.into_iter().filter_map(content).collect())
        }
        .boxed()
    }

    fn webhook_data(&self, delivery: &Delivery) -> Result<Value, &'static str> {
        delivery.payload.clone().ok_or(GONE)
    }

    fn notification(
        &self,
        delivery: &Delivery,
        language: Language,
    ) -> Result<Notification, &'static str> {
        let (payload, subject) = (delivery.payload.as_ref(), delivery.subject);
        let (payload, analysis) = payload.zip(subject).ok_or(GONE)?;
        let season = payload.pointer("/result/personalColor");
        let season = season.and_then(|season| serde_json::from_value(season.clone()).ok());
        let words = season.map_or_else(|| failure(language), |season| success(season, language));
        let members = members(&delivery.event, JobId(analysis), season);
        Ok(Notification { members: members.ok_or(GONE)?, words, replaces: None })
    }
}

/// The machine-readable part: the analysis, and its season or the state in which it ended.
fn members(
    event: &str,
    analysis: JobId,
    season: Option<PersonalColor>,
) -> Option<Map<String, Value>> {
    let (name, outcome) = match season {
        Some(season) => ("season", serde_json::to_value(season).ok()?),
        // The state may have changed since: an operator can replay a failed analysis.
        None => ("status", event.strip_prefix(AnalysisEvents::PREFIX)?.into()),
    };
    let id = serde_json::to_value(analysis).ok()?;
    Some(Map::from_iter([("analysisId".to_owned(), id), (name.to_owned(), outcome)]))
}

/// The words for a result; the page's service worker has the same.
fn success(season: PersonalColor, language: Language) -> Words {
    match language {
        Language::English => Words {
            title: format!("Your season is {}", english(season)),
            body: "Open ToneUp to see the colours that suit you.",
        },
        Language::Korean => Words {
            title: format!("당신의 계절은 {}이에요", korean(season)),
            body: "ToneUp에서 나에게 어울리는 색을 확인해 보세요.",
        },
    }
}

/// The words for an analysis without a result; the page's service worker has the same.
fn failure(language: Language) -> Words {
    match language {
        Language::English => Words {
            title: "Your photo could not be read".to_owned(),
            body: "Open ToneUp to see why, and try again.",
        },
        Language::Korean => Words {
            title: "사진을 분석하지 못했어요".to_owned(),
            body: "ToneUp에서 이유를 확인하고 다시 시도해 주세요.",
        },
    }
}

fn english(season: PersonalColor) -> &'static str {
    match season {
        PersonalColor::Spring => "Spring",
        PersonalColor::Summer => "Summer",
        PersonalColor::Autumn => "Autumn",
        PersonalColor::Winter => "Winter",
    }
}

fn korean(season: PersonalColor) -> &'static str {
    match season {
        PersonalColor::Spring => "봄",
        PersonalColor::Summer => "여름",
        PersonalColor::Autumn => "가을",
        PersonalColor::Winter => "겨울",
    }
}
