//! Results of a scenario: lines for people, JSON files, and charts.

pub mod docs;
pub mod plot;
pub mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value, json};

use self::plot::Chart;
use self::table::say;
use crate::site::repository;

/// One measured point: names and values, in the order in which they are shown.
#[derive(Debug, Clone, Default)]
pub struct Row(pub Vec<(&'static str, Value)>);

impl Row {
    /// Adds a value to the row.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a number, rounded to three places; null if it is NaN.
    #[must_use]
    pub fn number(self, name: &'static str, value: f64) -> Self {
        let rounded = (value * 1e3).round() / 1e3;
        // JSON has no NaN: null.
        self.with(name, Value::from(rounded))
    }

    /// Adds a whole number.
    #[must_use]
    pub fn count(self, name: &'static str, value: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number that is not negative"
        )]
        self.with(name, value.round() as u64)
    }

    /// Adds the target of a value, and whether it was met.
    #[must_use]
    pub fn wanted(self, target: impl Into<String>, met: bool) -> Self {
        self.with("target", target.into()).with("met", met)
    }
}

/// Results of one scenario.
#[derive(Debug)]
pub struct Report {
    scenario: &'static str,
    page: &'static str,
    quick: bool,
    /// Tables, each with columns of its own.
    tables: Vec<Vec<Row>>,
    charts: Vec<Chart>,
    remarks: Vec<String>,
}

impl Report {
    /// Creates an empty report.
    pub fn new(scenario: &'static str, quick: bool) -> Self {
        Self {
            scenario,
            page: "docs/performance.md",
            quick,
            tables: vec![Vec::new()],
            charts: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Writes the results to another page than that of performance.
    #[must_use]
    pub fn on(self, page: &'static str) -> Self {
        Self { page, ..self }
    }

    /// Begins another table, with columns of its own.
    pub fn next_table(&mut self) {
        self.tables.push(Vec::new());
    }

    /// Adds a row and prints it.
    pub fn row(&mut self, row: Row) -> anyhow::Result<()> {
        say(&table::line(self.scenario, &row))?;
        if let Some(table) = self.tables.last_mut() {
            table.push(row);
        }
        Ok(())
    }

    /// Adds a remark and prints it.
    pub fn remark(&mut self, text: String) -> anyhow::Result<()> {
        say(&format!("scenario={} {text}", self.scenario))?;
        self.remarks.push(text);
        Ok(())
    }

    /// Adds a chart to the report.
    pub fn chart(&mut self, chart: Chart) {
        self.charts.push(chart);
    }

    /// Prints the table and writes the files. Only full runs change the documentation.
    pub fn finish(self) -> anyhow::Result<()> {
        let tables = || self.tables.iter().filter(|rows| !rows.is_empty());
        for rows in tables() {
            say(&table::table(rows))?;
        }
        let results = repository().join("bench/results");
        let images = if self.quick { results.clone() } else { repository().join("docs/images") };
        for folder in [&results, &images] {
            fs::create_dir_all(folder).context("making the folder of the results")?;
        }
        let name = format!("{}{}.json", self.scenario, if self.quick { "-quick" } else { "" });
        fs::write(results.join(name), serde_json::to_vec_pretty(&self.json())?)?;
        for chart in &self.charts {
            let path: PathBuf = images.join(format!("bench-{}.svg", chart.name));
            chart.draw(&path).with_context(|| format!("drawing {}", path.display()))?;
        }
        if !self.quick {
            let mut parts: Vec<String> = tables().map(|rows| table::markdown(rows)).collect();
            parts.extend_from_slice(&self.remarks);
            docs::fill(self.page, self.scenario, &parts.join("\n\n"))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let object = |row: &Row| {
            row.0
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect::<Map<_, _>>()
        };
        json!({
            "scenario": self.scenario,
            "quick": self.quick,
            "rows": self.tables.iter().flatten().map(object).collect::<Vec<_>>(),
            "remarks": self.remarks,
        })
    }
}
