use proptest::prelude::*;
use toneup_colour::result::{Light, Skin};

use super::*;

fn seen(likelihoods: Likelihoods) -> AnalysisResult {
    let [spring, summer, autumn, winter] = likelihoods;
    let season = likeliest(&likelihoods);
    AnalysisResult {
        subtype: Some(format!("SOME_{}", PersonalColor::ALL[season].as_str())),
        undertone: Some("WARM".to_owned()),
        confidence: Some(likelihoods[season]),
        probabilities: Some(Probabilities { spring, summer, autumn, winter }),
        palette: vec!["#AA5500".to_owned()],
        ..AnalysisResult::bare(PersonalColor::ALL[season])
    }
}

fn in_light(hue: f64, trust: f64) -> AnalysisResult {
    let skin =
        Skin { l: 60.0, a: 10.0, b: 20.0, chroma: 22.0, hue, ita: 20.0, hex: "#AA8866".to_owned() };
    let light = Light { hex: "#FFFFFF".to_owned(), kelvin: 6500.0, trust };
    AnalysisResult { skin: Some(skin), light: Some(light), ..seen([0.7, 0.1, 0.1, 0.1]) }
}

fn of(results: impl IntoIterator<Item = AnalysisResult>) -> AnalysisResult {
    combine(results.into_iter().map(Ok).collect()).unwrap()
}

fn warnings(results: [AnalysisResult; 2]) -> Vec<String> {
    of(results).warnings
}

#[test]
fn photos_that_agree_are_surer_together_and_spread_is_nothing() {
    let photo = seen([0.7, 0.1, 0.1, 0.1]);
    let both = of([photo.clone(), photo.clone()]);
    assert_eq!(both.personal_color, PersonalColor::Spring);
    assert!(both.confidence > photo.confidence && both.spread == Some(0.0));
    assert_eq!((both.subtype, both.palette), (photo.subtype, photo.palette));
    assert_eq!(both.photos.len(), 2);
}

#[test]
fn the_surer_photo_counts_for_more() {
    let combined = of([seen([0.4, 0.2, 0.2, 0.2]), seen([0.04, 0.04, 0.04, 0.88])]);
    assert_eq!((combined.personal_color, combined.clearest), (PersonalColor::Winter, Some(1)));
    assert_eq!(combined.undertone.as_deref(), Some("COOL"));
    let spread = combined.spread.unwrap();
    assert!((spread - 0.68).abs() < 1e-9, "{spread}");
}

#[test]
fn a_photo_that_says_nothing_changes_nothing() {
    let combined = of([seen([0.1, 0.7, 0.1, 0.1]), seen([0.25; 4]), seen([0.25; 4])]);
    assert!((combined.confidence.unwrap() - 0.7).abs() < 1e-9, "{combined:?}");
}

#[test]
fn a_season_that_no_photo_names_has_no_subtype() {
    // Surely warm and hardly deep, surely light and hardly cool: warm and light.
    let combined = of([seen([0.42, 0.04, 0.5, 0.04]), seen([0.42, 0.5, 0.04, 0.04])]);
    assert_eq!(combined.personal_color, PersonalColor::Spring);
    assert_eq!((combined.subtype, combined.palette.len()), (None, 0));
}

#[test]
fn a_refused_photo_is_left_out_and_named() {
    let error = JobError::permanent("NO_FACE", "No face.");
    let good = seen([0.1, 0.1, 0.1, 0.7]);
    let combined = combine(vec![Err(error.clone()), Ok(good.clone())]).unwrap();
    assert_eq!((combined.personal_color, combined.clearest), (PersonalColor::Winter, Some(1)));
    assert!((combined.confidence.unwrap() - 0.7).abs() < 1e-9);
    assert_eq!(combined.photos[0].left_out, Some(error));
    assert_eq!(combined.photos[1].personal_color, Some(PersonalColor::Winter));
}

#[test]
fn without_a_good_photo_the_error_is_the_first_ones() {
    let errors = ["NO_FACE", "TOO_DARK"].map(|code| Err(JobError::permanent(code, "")));
    assert_eq!(combine(errors.into()).unwrap_err().code, "NO_FACE");
}

#[test]
fn of_bare_seasons_the_majority_counts() {
    let bare = AnalysisResult::bare;
    let combined =
        of([bare(PersonalColor::Autumn), bare(PersonalColor::Summer), bare(PersonalColor::Summer)]);
    assert_eq!(combined.personal_color, PersonalColor::Summer);
    assert_eq!((combined.confidence, combined.probabilities), (None, None));
}

#[test]
fn skins_that_no_light_makes_alike_are_doubted() {
    assert_eq!(warnings([in_light(45.0, 0.9), in_light(65.0, 0.9)]), [MAYBE_DIFFERENT_PEOPLE]);
    assert!(warnings([in_light(45.0, 0.9), in_light(55.0, 0.9)]).is_empty());
    assert!(warnings([in_light(45.0, 0.9), in_light(65.0, 0.4)]).is_empty(), "no trusted light");
    let mixed = AnalysisResult { warnings: vec!["MIXED_LIGHT".into()], ..in_light(65.0, 0.9) };
    assert!(!warnings([in_light(45.0, 0.9), mixed]).contains(&MAYBE_DIFFERENT_PEOPLE.into()));
}

#[test]
fn likelihoods_are_pooled_as_the_evaluation_measures_it() {
    let cases = include_str!("../../../../../analyzer/eval/pooled.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
    for case in cases {
        let photos: Vec<Likelihoods> = serde_json::from_value(case["photos"].clone()).unwrap();
        let expected: Likelihoods = serde_json::from_value(case["pooled"].clone()).unwrap();
        let pooled = pool(&photos);
        assert!(
            pooled.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-5),
            "{case}"
        );
    }
}

/// Likelihoods that add up to 1.
fn any_likelihoods() -> impl Strategy<Value = Likelihoods> {
    prop::array::uniform4(0.001..1.0).prop_map(|raw: Likelihoods| {
        let total: f64 = raw.iter().sum();
        raw.map(|likelihood| likelihood / total)
    })
}

proptest! {
    #[test]
    fn pooled_likelihoods_add_up_and_do_not_depend_on_the_order(
        photos in prop::collection::vec(any_likelihoods(), 1..=5)
    ) {
        let pooled = pool(&photos);
        prop_assert!((pooled.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let reversed = pool(&photos.iter().rev().copied().collect::<Vec<_>>());
        prop_assert!(pooled.iter().zip(reversed).all(|(one, other)| (one - other).abs() < 1e-9));
        let spread = spread(&photos);
        prop_assert!((0.0..=1.0).contains(&spread));
    }
}
