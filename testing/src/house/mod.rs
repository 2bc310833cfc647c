//! Static checks of the workspace's layout: its module graph, the rules that the graph keeps, and its measures.
//!
//! Crates are discovered from the workspace's manifest, so the checks follow crates that are added, split or moved.

mod duplicates;
mod graph;
mod imports;
mod measure;
mod package;
pub mod rules;
mod source;
mod table;
mod tree;

#[cfg(test)]
mod tests;

pub use graph::{Edge, Graph};
pub use measure::Measures;
pub use package::{Package, workspace};
pub use table::table;
pub(crate) use tree::Tree;
