//! Work of a contender's job: nothing, or the photo from S3 to the analyzer.

use anyhow::ensure;
use bytes::Bytes;
use clap::Args;
use reqwest::Client;
use reqwest::multipart::{Form, Part};

/// Where the photo is, and who analyses it; without both there is nothing to do.
#[derive(Debug, Clone, Args)]
pub(super) struct Task {
    /// Presigned URL of the photo
    #[arg(long, env, hide_env_values = true)]
    photo_url: Option<String>,
    /// Base URL of the analyzer
    #[arg(long, env)]
    analyzer_url: Option<String>,
}

/// Does the work of jobs.
#[derive(Debug, Clone)]
pub(super) struct Work {
    task: Task,
    http: Client,
}

impl Work {
    pub(super) fn new(task: Task) -> anyhow::Result<Self> {
        Ok(Self { task, http: crate::load::target::http()? })
    }

    /// Does the work of one job and returns its result.
    pub(super) async fn run(&self) -> anyhow::Result<String> {
        let (Some(photo), Some(analyzer)) = (&self.task.photo_url, &self.task.analyzer_url) else {
            return Ok(r#"{"greeting":"Hello, Ada!"}"#.to_owned());
        };
        let photo: Bytes = self.http.get(photo).send().await?.error_for_status()?.bytes().await?;
        let length = u64::try_from(photo.len())?;
        let file = Part::stream_with_length(photo, length).file_name("photo");
        let form = Form::new().text("user_id", "0").part("file", file);
        let request = self.http.post(format!("{analyzer}/analyze-color")).multipart(form);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the analyzer: {}", answer.status());
        Ok(answer.text().await?)
    }
}
