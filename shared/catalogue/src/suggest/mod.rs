//! Suggestions while a text is typed: brands and names of products that begin with it, or have a word that does.
//!
//! Texts are compared by the keys of a Korean keyboard without spaces, so that every state in which a syllable is being typed
//! finds what it may become; by initial consonants (ㅇㅂㅍ for 오버핏); and with the keyboard in the other mode (`dkssud`).

mod index;
mod key;
mod source;

pub use self::index::{Index, MOST, Suggestion};
pub use self::source::Suggestions;

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuggestionKind {
    /// A brand.
    Brand,
    /// A product's name.
    Name,
}
