//! What is known of a person: their colours, and what they like.

use sqlx::MySqlConnection;
use sqlx::types::Json;
use toneup_colour::result::{AnalysisResult, PersonalColor};
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;

use crate::product::ProductId;
use crate::product::colour::{Lab, Rgb};
use crate::product::palettes::palette;

/// Confidence of an analyzer that reports none.
const UNKNOWN_CONFIDENCE: f32 = 0.7;

/// A person's taste. The default is that of somebody of whom nothing is known.
#[derive(Debug, Clone, Default)]
pub struct Taste {
    /// The season of the latest analysis.
    pub season: Option<PersonalColor>,
    /// The colours that suit the person.
    pub palette: Vec<Lab>,
    /// Confidence of the analysis, 0 to 1.
    pub confidence: f32,
    /// The analysis; another one is another order of the list.
    pub version: Option<JobId>,
    /// Products that the person likes, latest first.
    pub likes: Vec<ProductId>,
}

/// Reads a person's colours; nobody's taste where there was no analysis.
pub async fn read_colour(conn: &mut MySqlConnection, user: UserId) -> Result<Taste, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT c.colour AS "colour: PersonalColor", c.job_id AS "job: JobId",
                  o.result AS "result: Json<AnalysisResult>"
           FROM personal_colours c LEFT JOIN job_outcomes o ON o.job_id = c.job_id
           WHERE c.user_id = ?"#,
        user
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(Taste::default()) };
    let result = row.result.map(|Json(result)| result);
    let own = result.iter().flat_map(|result| &result.palette);
    let own: Vec<Lab> = own.filter_map(|text| text.parse::<Rgb>().ok()).map(Rgb::lab).collect();
    let confidence = result.and_then(|result| result.confidence);
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
    let confidence = confidence.map_or(UNKNOWN_CONFIDENCE, |confidence| confidence as f32);
    Ok(Taste {
        season: Some(row.colour),
        palette: if own.is_empty() { palette(row.colour).to_vec() } else { own },
        confidence: confidence.clamp(0.0, 1.0),
        version: Some(row.job),
        likes: Vec::new(),
    })
}
