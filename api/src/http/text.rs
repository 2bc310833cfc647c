//! Texts that people write.

use super::problem::ApiError;

/// Refuses what no keyboard writes into a text of several lines.
pub(crate) fn refuse_control(field: &str, text: &str) -> Result<(), ApiError> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let detail = "expected no control characters but line feeds and tabs";
        return Err(ApiError::invalid(field, detail));
    }
    Ok(())
}
