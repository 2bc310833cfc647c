//! What a notification says: that an analysis has ended, and the season. Nothing else of the person.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_shared::analyses::outcome::PersonalColor;
use toneup_shared::analyses::{AnalysisId, Status};
use toneup_shared::pushes::PushEvent;
use toneup_shared::pushes::claim::Delivery;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a notification is of interest: a push service keeps it no longer for a device that is away.
pub(super) const LIFETIME: Duration = Duration::from_hours(24);

/// Pauses after each failed attempt: within the lifetime of what is sent.
pub(super) const PAUSES: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(8),
];

/// The message of a notification, the same on every channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    /// The same however often it is sent: a device shows one notification for it.
    pub(super) id: Uuid,
    /// What happened, e.g. `analysis.succeeded`.
    r#type: &'static str,
    /// To which analysis.
    analysis_id: AnalysisId,
    /// What came of it.
    #[serde(flatten)]
    pub(super) outcome: NoticeOutcome,
}

/// The season, or how the analysis ended without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NoticeOutcome {
    /// It has a result.
    Season(PersonalColor),
    /// It has none.
    Status(Status),
}

impl Notice {
    /// What there is to tell, and for how long it is still of interest; or why there is nothing.
    pub(super) fn of(
        delivery: &Delivery,
        now: OffsetDateTime,
    ) -> Result<(Self, Duration), &'static str> {
        let PushEvent::Ended(status) = delivery.event else {
            return Err("not of interest to a person");
        };
        let age = Duration::try_from(now - delivery.created_at).unwrap_or_default();
        let left = LIFETIME.checked_sub(age).filter(|left| left.as_secs() > 0);
        let left = left.ok_or("it is too old to be of interest")?;
        let analysis = delivery.analysis.as_ref().ok_or("the analysis is gone")?;
        let season = analysis.result.as_ref().map(|result| result.personal_color);
        let notice = Self {
            id: delivery.id.0,
            r#type: delivery.event.as_str(),
            analysis_id: analysis.id,
            outcome: season.map_or(NoticeOutcome::Status(status), NoticeOutcome::Season),
        };
        Ok((notice, left))
    }
}

/// A language that notifications are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

/// A notification for people; the page's service worker has the same words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) body: &'static str,
}

impl NoticeOutcome {
    /// Puts it in words.
    pub(super) fn words(self, language: Language) -> Words {
        use Language::{En, Ko};
        match (self, language) {
            (Self::Season(season), En) => Words {
                title: format!("Your season is {}", english(season)),
                body: "Open ToneUp to see the colours that suit you.",
            },
            (Self::Season(season), Ko) => Words {
                title: format!("당신의 계절은 {}이에요", korean(season)),
                body: "ToneUp에서 나에게 어울리는 색을 확인해 보세요.",
            },
            (Self::Status(_), En) => Words {
                title: "Your photo could not be read".to_owned(),
                body: "Open ToneUp to see why, and try again.",
            },
            (Self::Status(_), Ko) => Words {
                title: "사진을 분석하지 못했어요".to_owned(),
                body: "ToneUp에서 이유를 확인하고 다시 시도해 주세요.",
            },
        }
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
