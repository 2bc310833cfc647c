//! The pages in each language: `{{id}}` in their HTML stands for a message of the catalogue (`static/words/*.ftl`), so that a page
//! is in the person's language from its first byte.

use std::sync::LazyLock;

use axum::body::Bytes;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use fluent_bundle::{FluentBundle, FluentResource};
use sha2::{Digest, Sha256};

use super::Files;
use crate::http::language::Language;

/// The page of the analysis.
pub(super) static ANALYSIS: LazyLock<Page> = LazyLock::new(|| Page::of("index.html"));
/// The product's page.
pub(super) static APP: LazyLock<Page> = LazyLock::new(|| Page::of("app.html"));

/// A page in every language, rendered at its first use.
#[derive(Debug)]
pub(super) struct Page {
    english: Rendered,
    korean: Rendered,
}

/// A page as it is sent.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) html: Bytes,
    /// Another one as soon as the HTML is.
    pub(super) version: String,
}

impl Page {
    fn of(name: &str) -> Self {
        let template = text(name);
        let render = |language| Rendered::of(fill(&template, &Words::of(language)));
        Self { english: render(Language::English), korean: render(Language::Korean) }
    }

    pub(super) fn told(&self, language: Language) -> &Rendered {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

impl Rendered {
    fn of(html: String) -> Self {
        let version = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&html));
        Self { html: html.into(), version }
    }
}

/// The catalogue of a language.
struct Words(FluentBundle<FluentResource>);

impl Words {
    fn of(language: Language) -> Self {
        let messages = text(&format!("words/{}.ftl", language.tag()));
        // What cannot be read is left out; the tests find it.
        let messages = FluentResource::try_new(messages).unwrap_or_else(|(readable, _)| readable);
        let mut bundle = FluentBundle::new(language.tag().parse().into_iter().collect());
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(messages);
        Self(bundle)
    }

    fn say(&self, id: &str) -> Option<String> {
        let pattern = self.0.get_message(id)?.value()?;
        Some(self.0.format_pattern(pattern, None, &mut Vec::new()).into_owned())
    }
}

/// An embedded file's text; empty where there is none.
fn text(name: &str) -> String {
    let data = Files::get(name).map(|file| file.data.into_owned());
    data.and_then(|data| String::from_utf8(data).ok()).unwrap_or_default()
}

/// Puts messages in their places; an id that has none stays as it is.
fn fill(template: &str, words: &Words) -> String {
    let mut html = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, (id, after))) = next_place(rest) {
        html.push_str(before);
        html.push_str(&words.say(id).map_or_else(|| id.to_owned(), |text| escaped(&text)));
        rest = after;
    }
    html.push_str(rest);
    html
}

/// Splits at the first `{{id}}`: what is before it, the id, what is after it.
fn next_place(template: &str) -> Option<(&str, (&str, &str))> {
    let (before, after) = template.split_once("{{")?;
    Some((before, after.split_once("}}")?))
}

/// Text as it stands in HTML and in its attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 2] = [Language::English, Language::Korean];

    #[test]
    fn every_word_of_the_pages_exists_in_every_language() {
        for language in LANGUAGES {
            let words = Words::of(language);
            for name in ["index.html", "app.html"] {
                let template = text(name);
                let mut rest = template.as_str();
                while let Some((_, (id, after))) = next_place(rest) {
                    let said = words.say(id).unwrap_or_default();
                    assert!(!said.is_empty() && !said.contains('{'), "{name}, {language:?}: {id}");
                    rest = after;
                }
            }
        }
    }

    #[test]
    fn the_catalogue_can_be_read_as_a_whole() {
        for language in LANGUAGES {
            let messages = text(&format!("words/{}.ftl", language.tag()));
            let unreadable = FluentResource::try_new(messages).err().map(|(_, errors)| errors);
            assert_eq!(unreadable, None, "{language:?}");
            assert_eq!(Words::of(language).say("language").as_deref(), Some(language.tag()));
        }
    }

    #[test]
    fn a_page_has_nothing_left_to_fill_in_and_is_another_in_each_language() {
        for page in [&ANALYSIS, &APP] {
            for language in LANGUAGES {
                let html = String::from_utf8(page.told(language).html.to_vec()).unwrap();
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{html}");
                assert!(!html.contains("{{") && !html.contains("}}"), "{html}");
            }
            let [english, korean] = LANGUAGES.map(|language| &page.told(language).version);
            assert_ne!(english, korean);
        }
    }

    #[test]
    fn words_cannot_become_markup() {
        assert_eq!(escaped("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
        let words = Words::of(Language::English);
        assert_eq!(fill("{{close}} {{nothing}} {{", &words), "Close nothing {{");
    }
}
