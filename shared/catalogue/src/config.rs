//! Settings of the catalogue.

use std::path::PathBuf;

use serde::Deserialize;
use toneup_platform::config::Section;

/// Files of the catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct CatalogueConfig {
    /// Directory of the products' embeddings, which `toneup catalogue load-embeddings` writes and each api reads. Unset: products are
    /// recommended without them.
    pub embeddings_dir: Option<PathBuf>,
    /// Directory of the search index, which each api needs for itself. Unset: the index is kept in memory. A lost index is
    /// built anew.
    pub search_index_dir: Option<PathBuf>,
}

impl Section for CatalogueConfig {}
