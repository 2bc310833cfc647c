//! Query parameters that select products.

use serde::Deserialize;
use toneup_catalogue::live::Filter;
use toneup_catalogue::product::Sex;
use toneup_colour::result::PersonalColor;
use utoipa::IntoParams;

use crate::http::problem::ApiError;

/// Longest name of a type, a brand or a colour, in characters.
const LONGEST: usize = 100;

/// Which products a list may hold.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selection {
    /// Products that suit a season.
    season: Option<PersonalColor>,
    /// Products made for somebody, and those made for everybody.
    sex: Option<Sex>,
    /// Products of a type.
    r#type: Option<String>,
    /// Products of a brand.
    brand: Option<String>,
    /// Products of a colour, as shops call it.
    color: Option<String>,
    /// Least price, in won.
    price_from: Option<u32>,
    /// Highest price, in won.
    price_to: Option<u32>,
}

impl Selection {
    /// Checks what the client asks for.
    pub(super) fn check(self) -> Result<Filter, ApiError> {
        let Self { season, sex, r#type, brand, color, price_from, price_to } = self;
        for (field, word) in [("type", &r#type), ("brand", &brand), ("color", &color)] {
            if word.as_ref().is_some_and(|word| word.chars().count() > LONGEST) {
                return Err(ApiError::invalid(field, "expected at most 100 characters"));
            }
        }
        if let (Some(from), Some(to)) = (price_from, price_to)
            && from > to
        {
            return Err(ApiError::invalid("priceTo", "expected at least priceFrom"));
        }
        Ok(Filter { season, sex, kind: r#type, brand, color, price_from, price_to })
    }
}
