//! What a notification says: that an analysis has ended, and the season. Nothing else of the person.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toneup_shared::analyses::outcome::PersonalColor;
use toneup_shared::analyses::{AnalysisId, Status};
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a push service keeps a notification for a device that is away.
pub(super) const LIFETIME: Duration = Duration::from_hours(24);

/// The message of a notification, the same on every channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    /// The same however often it is sent: a device shows one notification for it.
    pub(super) id: Uuid,
    /// What happened, e.g. `analysis.succeeded`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// To which analysis.
    pub(super) analysis_id: AnalysisId,
    /// What came of it.
    #[serde(flatten)]
    pub(super) outcome: NoticeOutcome,
}

/// The season, or how the analysis ended without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NoticeOutcome {
    Season(PersonalColor),
    Status(Status),
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
