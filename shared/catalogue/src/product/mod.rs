//! A product: what it is made of, and the rules for each part.

pub mod changes;
mod check;
pub mod colour;
pub mod palettes;
pub mod store;

use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use toneup_colour::result::PersonalColor;
use utoipa::ToSchema;

pub use self::check::{FieldFault, MOST_PICTURES};
use self::colour::Rgb;

/// The catalogue's number of a product.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct ProductId(pub u64);

impl FromStr for ProductId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// Whom a product is made for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sex {
    /// Women.
    Female,
    /// Men.
    Male,
    /// Everybody.
    Unisex,
}

impl Sex {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Female, Self::Male, Self::Unisex];

    /// The word used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Female => "FEMALE",
            Self::Male => "MALE",
            Self::Unisex => "UNISEX",
        }
    }
}

impl sqlx::Type<MySql> for Sex {
    fn type_info() -> MySqlTypeInfo {
        <str as sqlx::Type<MySql>>::type_info()
    }

    fn compatible(ty: &MySqlTypeInfo) -> bool {
        <str as sqlx::Type<MySql>>::compatible(ty)
    }
}

impl<'r> sqlx::Decode<'r, MySql> for Sex {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as sqlx::Decode<MySql>>::decode(value)?;
        let found = Self::ALL.into_iter().find(|sex| sex.as_str() == text);
        found.ok_or_else(|| format!("unknown sex {text:?}").into())
    }
}

/// A season that a product suits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeasonWeight {
    /// The season.
    pub season: PersonalColor,
    /// How well the colour suits it, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub weight: u8,
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Product {
    /// The catalogue's number, from 1.
    #[schema(value_type = u64, minimum = 1)]
    pub id: ProductId,
    /// 1 to 100 characters.
    pub brand: String,
    /// 1 to 200 characters.
    pub name: String,
    /// In won.
    #[schema(maximum = 100_000_000)]
    pub price: u32,
    /// What it is, e.g. `블라우스`: 1 to 40 characters.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whom it is made for.
    pub sex: Sex,
    /// What the shop calls the colour: up to 40 characters.
    #[serde(default)]
    pub color: Option<String>,
    /// The colour as `#RRGGBB` (sRGB).
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "#FF8A78")]
    pub hex: Option<Rgb>,
    /// The shop's page: an `http` or `https` address of up to 1,000 characters.
    pub url: String,
    /// Addresses of pictures, 20 at most.
    #[serde(default)]
    pub pictures: Vec<String>,
    /// The seasons that it suits. Without any, they follow from `hex`.
    #[serde(default)]
    pub seasons: Vec<SeasonWeight>,
}
