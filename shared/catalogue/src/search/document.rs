//! What engines index: one form for products, posts and people.

use toneup_colour::result::PersonalColor;

use crate::live::OF_SEASON;
use crate::product::Sex;
use crate::product::changes::{Subject, SubjectKind};
use crate::product::store::StoredProduct;

/// A document. What must not be found is none: private, deleted and unfinished things are left out by whoever makes documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is about.
    pub subject: Subject,
    /// Decides between documents that match as well, the lower first; different for each document of a kind.
    pub order: u64,
    /// Who made it: a brand. Counts most.
    pub brand: String,
    /// What it is called: a product's name, a nickname.
    pub name: String,
    /// What it is: a type, a colour.
    pub labels: Vec<String>,
    /// What else it says: a post's text.
    pub body: String,
    /// Whom it is made for, where that is known.
    pub sex: Option<Sex>,
    /// The type, for filters.
    pub kind: Option<String>,
    /// The colour, for filters.
    pub color: Option<String>,
    /// The price in won, for filters.
    pub price: Option<u32>,
    /// The seasons that it suits, for filters.
    pub seasons: Vec<PersonalColor>,
    /// How many people like it.
    pub likes: u32,
}

impl Document {
    /// The document of a post: newer posts before older ones that match as well.
    pub fn of_post(number: u64, text: String) -> Self {
        Self {
            subject: Subject::new(SubjectKind::Post, number),
            order: u64::MAX - number,
            brand: String::new(),
            name: String::new(),
            labels: Vec::new(),
            body: text,
            sex: None,
            kind: None,
            color: None,
            price: None,
            seasons: Vec::new(),
            likes: 0,
        }
    }

    /// The document of a product.
    pub fn of_product(stored: &StoredProduct, likes: u32) -> Self {
        let product = &stored.product;
        let seasons = product.seasons.iter().filter(|one| one.weight >= OF_SEASON);
        let labels = std::iter::once(&product.kind).chain(&product.color).cloned().collect();
        Self {
            subject: Subject::new(SubjectKind::Product, product.id.0),
            order: product.id.0,
            brand: product.brand.clone(),
            name: product.name.clone(),
            labels,
            body: String::new(),
            sex: Some(product.sex),
            kind: Some(product.kind.clone()),
            color: product.color.clone(),
            price: Some(product.price),
            seasons: seasons.map(|one| one.season).collect(),
            likes,
        }
    }
}
