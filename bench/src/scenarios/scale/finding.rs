//! A finding: one row of the report.

use crate::report::Row;

/// Row of a measured value and its conditions.
pub(super) fn finding(name: &'static str, value: f64, conditions: &str) -> Row {
    Row::default().with("what", name).number("value", value).with("conditions", conditions)
}
