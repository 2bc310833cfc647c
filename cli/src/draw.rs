//! Text rendering for terminals. Pure: values in, text out, in colour or plain.

use std::fmt::Write;

use time::OffsetDateTime;
use toneup_colour::result::{AnalysisResult, PersonalColor, Skin};
use toneup_jobs::job::Status;
use toneup_jobs::outcome::JobError;

/// Width of the labels, in cells.
const LABEL: usize = 12;
/// Palette colours on one line.
const PALETTE_COLUMNS: usize = 6;
/// Width of the confidence bar, in cells.
const BAR: usize = 20;

/// Selects whether text may carry colours (24-bit SGR sequences).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Colours as 24-bit SGR sequences.
    Color,
    /// Plain text without escape sequences.
    Plain,
}

impl Ink {
    fn sgr(self, text: &str, codes: &str) -> String {
        match self {
            Self::Color => format!("\x1b[{codes}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    fn bold(self, text: &str) -> String {
        self.sgr(text, "1")
    }

    fn dim(self, text: &str) -> String {
        self.sgr(text, "2")
    }

    fn fg(self, text: &str, Rgb(r, g, b): Rgb) -> String {
        self.sgr(text, &format!("38;2;{r};{g};{b}"))
    }

    /// Returns `width` cells filled with a colour; nothing without colour.
    fn block(self, width: usize, Rgb(r, g, b): Rgb) -> String {
        match self {
            Self::Color => self.sgr(&" ".repeat(width), &format!("48;2;{r};{g};{b}")),
            Self::Plain => String::new(),
        }
    }

    fn status(self, status: Status, text: &str) -> String {
        let codes = match status {
            Status::Queued => "33",
            Status::Running => "36",
            Status::Succeeded => "32",
            Status::Failed => "31",
            Status::Cancelled | Status::Expired => "2",
        };
        self.sgr(text, codes)
    }
}

/// A 24-bit sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    /// Parses a colour of the form `#rrggbb`.
    fn parse(hex: &str) -> Option<Self> {
        let digits = hex.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// Interpolates the gradient through `stops` at `share`, 0 to 1.
    fn along(stops: [Self; 3], share: f64) -> Self {
        let (from, to, share) = match share {
            share if share < 0.5 => (stops[0], stops[1], share * 2.0),
            share => (stops[1], stops[2], share * 2.0 - 1.0),
        };
        let mix = |from: u8, to: u8| {
            let value = f64::from(from) + (f64::from(to) - f64::from(from)) * share;
            to_u8(value)
        };
        Self(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn to_u8(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Removes control characters from untrusted text, which could otherwise control the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Renders the state of an analysis in one line.
pub(crate) fn standing(
    status: Status,
    attempt: u16,
    queue_position: Option<u64>,
    estimated_wait_seconds: Option<f64>,
) -> String {
    match status {
        Status::Queued => {
            let mut text = "queued".to_owned();
            if let Some(position) = queue_position {
                push(&mut text, format_args!(", position {position}"));
            }
            if let Some(seconds) = estimated_wait_seconds {
                push(&mut text, format_args!(", about {:.0} s", seconds.ceil().max(1.0)));
            }
            text
        }
        Status::Running => format!("running (attempt {attempt})"),
        ended => ended.as_str().to_owned(),
    }
}

/// Renders a result: the season, its measurements, and the suitable colours.
pub(crate) fn result(result: &AnalysisResult, ink: Ink) -> String {
    let mut text = banner(result.personal_color, ink);
    if let Some(subtype) = &result.subtype {
        line(&mut text, ink, "type", &ink.bold(&words(subtype)));
    }
    if let Some(undertone) = &result.undertone {
        line(&mut text, ink, "undertone", &words(undertone));
    }
    if let Some(confidence) = result.confidence {
        line(&mut text, ink, "confidence", &confidence_bar(confidence, ink));
    }
    if let Some(skin) = &result.skin {
        line(&mut text, ink, "skin", &skin_swatch(skin, ink));
    }
    if let Some(contrast) = result.contrast {
        let level = contrast_words(contrast);
        line(&mut text, ink, "contrast", &format!("{level} ({contrast:.0} of 100)"));
    }
    palette(&mut text, &result.palette, ink);
    photos(&mut text, result, ink);
    for warning in &result.warnings {
        line(&mut text, ink, "note", &warning_words(warning));
    }
    text
}

/// Renders what each of several photos came to, and how far they are apart.
fn photos(text: &mut String, result: &AnalysisResult, ink: Ink) {
    for (number, photo) in (1..).zip(&result.photos) {
        let answer = match (photo.personal_color, &photo.left_out) {
            (_, Some(error)) => format!("left out: {}", words(&error.code)),
            (Some(colour), None) => {
                let sure = photo.confidence.map(|sure| format!(", {:.0} %", sure * 100.0));
                words(season(colour)) + &sure.unwrap_or_default()
            }
            (None, None) => "no answer".to_owned(),
        };
        line(text, ink, &format!("photo {number}"), &answer);
    }
    if let Some(spread) = result.spread {
        line(text, ink, "spread", &format!("{} ({spread:.2})", spread_words(spread)));
    }
}

/// Disagreement of several photos, in the words of the page.
fn spread_words(spread: f64) -> &'static str {
    match spread {
        s if s < 0.2 => "the photos agree",
        s if s < 0.5 => "the photos agree in part",
        _ => "the photos disagree",
    }
}

/// Contrast between skin and brows, in the words of the page.
fn contrast_words(contrast: f64) -> &'static str {
    match contrast {
        c if c < 22.0 => "soft",
        c if c < 38.0 => "medium",
        _ => "strong",
    }
}

/// Renders the end of an analysis that has no result.
pub(crate) fn failure(status: Status, error: Option<&JobError>, ink: Ink) -> String {
    let mut text = String::new();
    match (error, status) {
        (Some(error), _) => {
            let title = ink.status(Status::Failed, "The analysis failed:");
            push(&mut text, format_args!("{title} {}\n", clean(error.message.trim())));
            let code = clean(&error.code);
            line(&mut text, ink, "reason", &format!("{} ({code})", words(&error.code)));
            if error.retryable {
                line(&mut text, ink, "advice", "the same photo may work later: submit it again");
            }
        }
        (None, Status::Cancelled) => text.push_str("The analysis was cancelled.\n"),
        (None, Status::Expired) => {
            text.push_str("The analysis expired: its deadline passed before it was done.\n");
        }
        (None, status) => {
            push(
                &mut text,
                format_args!("The analysis ended without a result: {}.\n", status.as_str()),
            );
        }
    }
    text
}

/// Appends a labelled value on a line of its own.
pub(crate) fn line(text: &mut String, ink: Ink, label: &str, value: &str) {
    push(text, format_args!("{}{value}\n", ink.dim(&format!("{label:LABEL$}"))));
}

/// A table with aligned columns. Cells of the column `status` are coloured by the status beside each row.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: &[(Status, [String; N])],
    ink: Ink,
) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|(_, row)| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or_default()
    });
    let align = |cells: [&str; N]| {
        let mut text = String::new();
        for (cell, width) in cells.into_iter().zip(widths) {
            push(&mut text, format_args!("{cell:width$}  "));
        }
        text.trim_end().to_owned()
    };
    let mut text = ink.dim(&align(headings)) + "\n";
    for (status, row) in rows {
        let aligned = align(row.each_ref().map(String::as_str));
        // Coloured after aligning: escape sequences have no width.
        let coloured = ink.status(*status, status.as_str());
        text.push_str(&aligned.replacen(status.as_str(), &coloured, 1));
        text.push('\n');
    }
    text
}

/// A table whose cells have no colours.
pub(crate) fn rows<const N: usize>(headings: [&str; N], rows: &[[String; N]], ink: Ink) -> String {
    // A row that does not name a status has nothing to colour.
    let rows: Vec<_> = rows.iter().map(|row| (Status::Expired, row.clone())).collect();
    table(headings, &rows, ink)
}

/// Formats a time in UTC, to the second.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Formats a duration with the significant digits only.
pub(crate) fn span(duration: time::Duration) -> String {
    let seconds = duration.as_seconds_f64();
    if seconds < 1.0 {
        format!("{} ms", duration.whole_milliseconds())
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if duration.whole_hours() < 1 {
        format!("{} min {} s", duration.whole_minutes(), duration.whole_seconds() % 60)
    } else {
        format!("{} h {} min", duration.whole_hours(), duration.whole_minutes() % 60)
    }
}

/// Converts `DEEP_AUTUMN` to `deep autumn`.
pub(crate) fn words(code: &str) -> String {
    clean(code).replace(['_', '-'], " ").trim().to_lowercase()
}

/// Appends formatted text; writing to a `String` cannot fail.
fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).unwrap_or_default();
}

fn confidence_bar(confidence: f64, ink: Ink) -> String {
    let confidence = confidence.clamp(0.0, 1.0);
    let verdict = match confidence {
        c if c >= 0.8 => "a clear match",
        c if c >= 0.6 => "a good match",
        c if c >= 0.4 => "a leaning",
        _ => "a close call",
    };
    let filled = usize::from(to_u8(confidence * 20.0)).min(BAR);
    let bar = match ink {
        Ink::Color => {
            let green = Rgb(0x4c, 0xaf, 0x7a);
            ink.fg(&"█".repeat(filled), green) + &ink.dim(&"░".repeat(BAR - filled))
        }
        Ink::Plain => format!("[{}{}]", "#".repeat(filled), "-".repeat(BAR - filled)),
    };
    format!("{bar} {:.0} %, {verdict}", confidence * 100.0)
}

/// Renders the colour of the skin, and its tone by the individual typology angle (Chardon et al. 1991).
fn skin_swatch(skin: &Skin, ink: Ink) -> String {
    let tone = match skin.ita {
        ita if ita > 55.0 => "very light",
        ita if ita > 41.0 => "light",
        ita if ita > 28.0 => "medium",
        ita if ita > 10.0 => "tan",
        ita if ita > -30.0 => "brown",
        _ => "deep",
    };
    let swatch = match (ink, Rgb::parse(&skin.hex)) {
        (Ink::Color, Some(rgb)) => ink.block(8, rgb) + " ",
        _ => String::new(),
    };
    format!("{swatch}{}, {tone}", clean(&skin.hex))
}

/// Renders blocks of colour with their codes below; without colour, the codes.
fn palette(text: &mut String, colors: &[String], ink: Ink) {
    let mut label = "palette";
    for row in colors.chunks(PALETTE_COLUMNS) {
        if ink == Ink::Color {
            let black = Rgb(0, 0, 0);
            let blocks: Vec<_> =
                row.iter().map(|hex| ink.block(8, Rgb::parse(hex).unwrap_or(black))).collect();
            line(text, ink, label, &blocks.join(" "));
            label = "";
        }
        let codes: Vec<_> = row.iter().map(|hex| format!("{:8}", clean(hex))).collect();
        line(text, ink, label, codes.join(" ").trim_end());
        label = "";
    }
}

fn warning_words(code: &str) -> String {
    let known = match code {
        "COLOUR_CAST" | "COLOR_CAST" => {
            "the light had a colour of its own; daylight gives a truer reading"
        }
        "NOT_FRONTAL" => "the face is turned away a little; a photo from the front is better",
        "FACE_CUT" => "part of the face is outside the photo",
        "LOW_CONFIDENCE" => "the seasons were close: take this as a hint",
        "MAYBE_DIFFERENT_PEOPLE" => "the skin colours differ so much: are all photos of you?",
        other => return words(other),
    };
    known.to_owned()
}

/// Name of a season, for display.
pub(crate) fn season(season: PersonalColor) -> &'static str {
    match season {
        PersonalColor::Spring => "SPRING",
        PersonalColor::Summer => "SUMMER",
        PersonalColor::Autumn => "AUTUMN",
        PersonalColor::Winter => "WINTER",
    }
}

/// Renders the name of the season: in large letters in the season's colours, or as a plain word.
fn banner(personal_color: PersonalColor, ink: Ink) -> String {
    let name = season(personal_color);
    if ink == Ink::Plain {
        return format!("{name}\n\n");
    }
    // Tones that show on a light and on a dark background.
    let stops = match personal_color {
        PersonalColor::Spring => {
            [Rgb(0xff, 0x8a, 0x6b), Rgb(0xf2, 0xc2, 0x3e), Rgb(0x8e, 0xcf, 0x5a)]
        }
        PersonalColor::Summer => {
            [Rgb(0xc9, 0x8f, 0xd6), Rgb(0x7f, 0xa4, 0xdc), Rgb(0x7f, 0xb5, 0xa8)]
        }
        PersonalColor::Autumn => {
            [Rgb(0xb5, 0x53, 0x2a), Rgb(0xd5, 0x9b, 0x2d), Rgb(0x7a, 0x7b, 0x36)]
        }
        PersonalColor::Winter => {
            [Rgb(0x2f, 0x7f, 0xe0), Rgb(0x8c, 0x4f, 0xd0), Rgb(0xd0, 0x28, 0x5a)]
        }
    };
    let rows = large(name);
    let mut text = "\n".to_owned();
    for row in &rows {
        let width = row.chars().count().max(2);
        for (column, cell) in row.chars().enumerate() {
            if cell == ' ' {
                text.push(' ');
            } else {
                let share = to_f64(column) / to_f64(width - 1);
                text.push_str(&ink.fg(&cell.to_string(), Rgb::along(stops, share)));
            }
        }
        text.push('\n');
    }
    text + "\n"
}

fn to_f64(small: usize) -> f64 {
    f64::from(u32::try_from(small).unwrap_or(u32::MAX))
}

/// Renders a word in letters of 5 × 6 half-height cells: three lines of text.
fn large(word: &str) -> [String; 3] {
    let mut rows = [const { String::new() }; 3];
    for letter in word.chars() {
        let glyph = glyph(letter);
        for (at, row) in rows.iter_mut().enumerate() {
            let (upper, lower) = (glyph[at * 2], glyph[at * 2 + 1]);
            for bit in (0..5).rev() {
                row.push(match (upper >> bit & 1, lower >> bit & 1) {
                    (1, 1) => '█',
                    (1, 0) => '▀',
                    (0, 1) => '▄',
                    _ => ' ',
                });
            }
            row.push(' ');
        }
    }
    rows.map(|row| row.trim_end().to_owned())
}

/// Bitmaps of the letters in the seasons' names; a bit is a cell.
fn glyph(letter: char) -> [u8; 6] {
    match letter {
        'A' => [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001],
        'E' => [0b11111, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
        'G' => [0b01111, 0b10000, 0b10011, 0b10001, 0b10001, 0b01110],
        'I' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b11111],
        'M' => [0b10001, 0b11011, 0b10101, 0b10001, 0b10001, 0b10001],
        'N' => [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001],
        'P' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000],
        'R' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'W' => [0b10001, 0b10001, 0b10001, 0b10101, 0b11011, 0b10001],
        _ => [0; 6],
    }
}

#[cfg(test)]
mod tests {
    use toneup_colour::result::PhotoResult;

    use super::*;

    fn autumn() -> AnalysisResult {
        AnalysisResult {
            subtype: Some("DEEP_AUTUMN".to_owned()),
            undertone: Some("warm".to_owned()),
            confidence: Some(0.72),
            skin: Some(Skin {
                l: 61.0,
                a: 12.0,
                b: 20.0,
                chroma: 23.3,
                hue: 59.0,
                ita: 28.8,
                hex: "#bf8c70".to_owned(),
            }),
            contrast: Some(41.2),
            palette: (0..7).map(|n| format!("#b5532{n}")).collect(),
            warnings: vec!["COLOUR_CAST".to_owned(), "SOME_NEW_DOUBT".to_owned()],
            ..AnalysisResult::bare(PersonalColor::Autumn)
        }
    }

    #[test]
    fn a_plain_result_is_text_alone() {
        let expected = "\
AUTUMN

type        deep autumn
undertone   warm
confidence  [##############------] 72 %, a good match
skin        #bf8c70, medium
contrast    strong (41 of 100)
palette     #b55320  #b55321  #b55322  #b55323  #b55324  #b55325
            #b55326
note        the light had a colour of its own; daylight gives a truer reading
note        some new doubt
";
        assert_eq!(result(&autumn(), Ink::Plain), expected);
    }

    #[test]
    fn a_coloured_result_shows_skin_and_palette_in_their_own_colours() {
        let text = result(&autumn(), Ink::Color);
        assert!(text.contains("\x1b[48;2;191;140;112m        \x1b[0m #bf8c70"), "{text}");
        assert!(
            text.contains("\x1b[48;2;181;83;32m        \x1b[0m \x1b[48;2;181;83;33m"),
            "{text}"
        );
        assert!(text.contains("#b55320"), "{text}");
        // The first cell of the A has the season's first colour.
        assert!(text.contains("\x1b[38;2;181;83;42m"), "{text}");
        assert!(text.lines().all(|line| line.matches("\x1b[").count() % 2 == 0), "{text}");
    }

    #[test]
    fn of_several_photos_each_is_told_and_how_far_they_are_apart() {
        let photo = |personal_color, confidence, error| PhotoResult {
            personal_color,
            confidence,
            warnings: Vec::new(),
            left_out: error,
        };
        let several = AnalysisResult {
            photos: vec![
                photo(Some(PersonalColor::Autumn), Some(0.814), None),
                photo(None, None, Some(JobError::permanent("NO_FACE", ""))),
            ],
            spread: Some(0.0),
            warnings: vec!["MAYBE_DIFFERENT_PEOPLE".to_owned()],
            ..AnalysisResult::bare(PersonalColor::Autumn)
        };
        let expected = "\
AUTUMN

photo 1     autumn, 81 %
photo 2     left out: no face
spread      the photos agree (0.00)
note        the skin colours differ so much: are all photos of you?
";
        assert_eq!(result(&several, Ink::Plain), expected);
    }

    #[test]
    fn a_bare_season_is_drawn_as_well() {
        let bare = AnalysisResult::bare(PersonalColor::Winter);
        assert_eq!(result(&bare, Ink::Plain), "WINTER\n\n");
        assert!(result(&bare, Ink::Color).contains('█'));
    }

    #[test]
    fn the_page_and_this_client_have_the_same_words_for_contrast() {
        let page = include_str!("../../api/src/features/web/static/readings.js");
        let words = page.split("export function contrastLevel").nth(1).unwrap();
        let words = words.split("\n}").next().unwrap();
        assert!(words.contains("if (contrast < 22) return \"contrast-soft\";"), "{words}");
        assert!(
            words.contains("return contrast < 38 ? \"contrast-medium\" : \"contrast-strong\";"),
            "{words}"
        );
        let english = include_str!("../../api/src/features/web/static/words/en.ftl");
        for word in ["contrast-soft = Soft", "contrast-medium = Medium", "contrast-strong = Strong"]
        {
            assert!(english.lines().any(|line| line == word), "{word}");
        }
        let levels = [21.9, 22.0, 37.9, 38.0].map(contrast_words);
        assert_eq!(levels, ["soft", "medium", "medium", "strong"]);
    }

    #[test]
    fn every_season_has_its_letters() {
        for letter in "SPRINGSUMMERAUTUMNWINTER".chars() {
            assert_ne!(glyph(letter), [0; 6], "{letter}");
        }
        assert_eq!(large("T"), ["▀▀█▀▀", "  █", "  █"]);
    }

    #[test]
    fn a_standing_says_what_is_known() {
        assert_eq!(standing(Status::Queued, 0, None, None), "queued");
        assert_eq!(
            standing(Status::Queued, 0, Some(3), Some(3.2)),
            "queued, position 3, about 4 s"
        );
        assert_eq!(
            standing(Status::Queued, 0, Some(1), Some(0.0)),
            "queued, position 1, about 1 s"
        );
        assert_eq!(standing(Status::Running, 2, Some(9), None), "running (attempt 2)");
        assert_eq!(standing(Status::Cancelled, 0, None, None), "cancelled");
    }

    #[test]
    fn a_failure_says_why_and_whether_to_try_again() {
        let error = JobError::permanent("NO_FACE", "there is no face in the photo");
        assert_eq!(
            failure(Status::Failed, Some(&error), Ink::Plain),
            "The analysis failed: there is no face in the photo\nreason      no face (NO_FACE)\n"
        );
        let error = JobError::retryable("ANALYZER_ERROR", "broken");
        assert!(failure(Status::Failed, Some(&error), Ink::Plain).contains("submit it again"));
        assert!(failure(Status::Expired, None, Ink::Plain).contains("deadline"));
    }

    #[test]
    fn nothing_from_elsewhere_steers_the_terminal() {
        let error = JobError::permanent("X", "\x1b]0;gotcha\x07");
        assert!(!failure(Status::Failed, Some(&error), Ink::Plain).contains('\x1b'));
        let mut result_of_stranger = autumn();
        result_of_stranger.palette = vec!["\x1b[2J".to_owned()];
        assert!(!result(&result_of_stranger, Ink::Plain).contains('\x1b'));
    }

    #[test]
    fn only_hexadecimal_colours_are_colours() {
        assert_eq!(Rgb::parse("#Ff0080"), Some(Rgb(255, 0, 128)));
        for wrong in ["", "#", "ff0080", "#ff008", "#ff00800", "#gg0000", "#+f0000", "#ééé"] {
            assert_eq!(Rgb::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_gradient_meets_its_stops() {
        let stops = [Rgb(0, 0, 0), Rgb(100, 0, 0), Rgb(100, 200, 0)];
        assert_eq!(Rgb::along(stops, 0.0), stops[0]);
        assert_eq!(Rgb::along(stops, 0.5), stops[1]);
        assert_eq!(Rgb::along(stops, 1.0), stops[2]);
        assert_eq!(Rgb::along(stops, 0.25), Rgb(50, 0, 0));
    }

    #[test]
    fn columns_line_up_with_and_without_colour() {
        let row = |status: Status, code: &str| {
            (status, ["1".to_owned(), status.as_str().to_owned(), code.to_owned()])
        };
        let rows = [row(Status::Succeeded, ""), row(Status::Failed, "NO_FACE")];
        let plain = "id  status     outcome\n1   succeeded\n1   failed     NO_FACE\n";
        assert_eq!(table(["id", "status", "outcome"], &rows, Ink::Plain), plain);
        let coloured = table(["id", "status", "outcome"], &rows, Ink::Color);
        assert!(coloured.contains("1   \x1b[31mfailed\x1b[0m     NO_FACE"), "{coloured}");
    }

    #[test]
    fn spans_have_the_digits_that_matter() {
        let span = |ms| super::span(time::Duration::milliseconds(ms));
        assert_eq!([span(7), span(1449), span(61_000)], ["7 ms", "1.4 s", "1 min 1 s"]);
        assert_eq!(span(3_700_000), "1 h 1 min");
    }
}
