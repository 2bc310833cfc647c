//! Rows that are refused, with the place of the fault.

use serde::Serialize;

use crate::product::FieldFault;

/// A row that is not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// JSON: the character of the line, from 1. CSV: the column, from 1.
    pub column: usize,
    /// The member that breaks a rule, where it is one.
    pub field: Option<String>,
    /// What was expected.
    pub detail: String,
}

impl Refusal {
    /// A fault of a checked member, found in column `column`.
    pub(super) fn of_field(line: u64, column: usize, fault: FieldFault) -> Self {
        Self { line, column, field: Some(fault.field.to_owned()), detail: fault.detail }
    }
}
