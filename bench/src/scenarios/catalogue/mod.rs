//! The catalogue: the file of embeddings, search, suggestions and recommendations.

mod change;
mod growth;
mod judged;
mod keystrokes;
mod like;
mod limits;
mod load;
mod people;
mod recall;
mod shop;
mod speed;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use self::shop::Shop;
use super::common::Bench;
use crate::report::Report;
use crate::site::{Plan, Site, repository};

/// Address without an analyzer.
const NO_ANALYZER: &str = "http://127.0.0.1:1";

/// A folder for the files of the run, deleted on drop.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let path = repository().join(format!(".local/bench/catalogue-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be deleted is named by the next run's lack of room.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("catalogue", bench.quick);
    let folder = Folder::create()?;
    let loaded = load::run(bench.quick, &folder.0, &mut report).await?;
    let shop = Shop::new(shop::SIZE);
    let site = Site::open(bench.services, Plan::new("catalogue", vec![NO_ANALYZER.to_owned()]));
    let site = site.await?;
    change::run(bench.quick, &site, &shop, &mut report).await?;
    judged::run(&site, &shop, &mut report).await?;
    keystrokes::run(bench.quick, &shop, &mut report)?;
    speed::run(bench.quick, &site, &folder.0, &mut report).await?;
    site.close().await?;
    recall::run(bench.quick, &loaded, &mut report)?;
    people::run(bench.quick, &shop, &loaded, &mut report)?;
    Ok(report)
}
