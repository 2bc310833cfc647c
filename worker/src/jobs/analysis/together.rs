//! Several photos of one person, combined by their certainty: each was judged by itself, and light is most of the error.
//!
//! The likelihoods are pooled log-linearly: of two photos the surer one counts for more, and one that says nothing changes
//! nothing. Errors of one analyzer are alike in part, so that n equally sure photos count as √n independent ones;
//! docs/analyzer.md has what this is worth.

use toneup_colour::result::{AnalysisResult, PersonalColor, PhotoResult, Probabilities};
use toneup_jobs::outcome::JobError;

/// Warning of a result that is hardly more likely than another, and the confidence below which the analyzer gives it.
const LOW_CONFIDENCE: (&str, f64) = ("LOW_CONFIDENCE", 0.5);
/// Warning that the photos may show different people.
const MAYBE_DIFFERENT_PEOPLE: &str = "MAYBE_DIFFERENT_PEOPLE";
/// Degrees between the hues of two skins that no light explains: see docs/analyzer.md.
const HUES_OF_ONE_PERSON: f64 = 14.0;
/// Trust in a photo's light from which on its skin's hue is compared.
const TRUSTED_LIGHT: f64 = 0.7;
/// Warnings of a photo whose skin's hue is not compared.
const DOUBTFUL_COLOUR: [&str; 4] = ["COLOUR_CAST", "MIXED_LIGHT", "TOO_BRIGHT", "OCCLUDED"];
/// Likelihoods of warm between which the analyzer calls an undertone neutral.
const NEUTRAL: (f64, f64) = (0.4, 0.6);
/// Least likelihood of a season: no single photo excludes one.
const LEAST: f64 = 1e-3;
/// Confidence of an analyzer that reports none.
const UNKNOWN_CONFIDENCE: f64 = 0.5;

/// Likelihoods, in the order of [`PersonalColor::ALL`].
type Likelihoods = [f64; 4];

/// Combines the answers to several photos, in the order of the submit. Photos that were refused are left out.
///
/// # Errors
///
/// The first photo's, if every photo was refused.
pub(super) fn combine(
    answers: Vec<Result<AnalysisResult, JobError>>,
) -> Result<AnalysisResult, JobError> {
    let photos: Vec<PhotoResult> = answers.iter().map(photo_result).collect();
    let (mut counted, mut refused) = (Vec::new(), None);
    for (index, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(result) => counted.push((index, result)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    let seen: Vec<Likelihoods> = counted.iter().map(|(_, result)| likelihoods(result)).collect();
    let pooled = pool(&seen);
    let season = likeliest(&pooled);
    let doubt = may_be_different_people(counted.iter().map(|(_, result)| result));
    let reused = counted.iter().all(|(_, result)| result.reused);
    let rated = counted.iter().any(|(_, result)| result.confidence.is_some());
    let confidence = rated.then_some(pooled[season]);
    let clearest = (0..seen.len()).max_by(|one, other| {
        seen[*one][season].total_cmp(&seen[*other][season]).then(other.cmp(one))
    });
    let Some(clearest) = clearest else {
        return Err(refused.unwrap_or_else(|| JobError::permanent("IMAGE_MISSING", "No photo.")));
    };
    let (index, result) = counted.swap_remove(clearest);
    Ok(AnalysisResult {
        warnings: warnings(&result, confidence, doubt),
        confidence,
        reused,
        photos,
        clearest: Some(index),
        spread: Some(spread(&seen)),
        ..as_combined(result, &pooled)
    })
}

fn photo_result(answer: &Result<AnalysisResult, JobError>) -> PhotoResult {
    match answer {
        Ok(result) => PhotoResult {
            personal_color: Some(result.personal_color),
            confidence: result.confidence,
            warnings: result.warnings.clone(),
            left_out: None,
        },
        Err(error) => PhotoResult {
            personal_color: None,
            confidence: None,
            warnings: Vec::new(),
            left_out: Some(error.clone()),
        },
    }
}

/// Gives the clearest photo's result the season, undertone and likelihoods of all. Of another season, its subtype and its
/// palette say nothing.
fn as_combined(result: AnalysisResult, pooled: &Likelihoods) -> AnalysisResult {
    let season = PersonalColor::ALL[likeliest(pooled)];
    let [spring, summer, autumn, winter] = *pooled;
    let agrees = result.personal_color == season;
    AnalysisResult {
        personal_color: season,
        subtype: result.subtype.filter(|_| agrees),
        palette: if agrees { result.palette } else { Vec::new() },
        undertone: result.undertone.map(|_| undertone(spring + autumn).to_owned()),
        probabilities: result.probabilities.map(|_| Probabilities {
            spring,
            summer,
            autumn,
            winter,
        }),
        ..result
    }
}

/// The clearest photo's warnings, with those that only the result of all can have.
fn warnings(clearest: &AnalysisResult, confidence: Option<f64>, doubt: bool) -> Vec<String> {
    let (low_confidence, limit) = LOW_CONFIDENCE;
    let is_low = confidence.is_some_and(|confidence| confidence < limit);
    let own = clearest.warnings.iter().map(String::as_str).filter(|code| *code != low_confidence);
    let of_all = is_low.then_some(low_confidence).into_iter();
    let of_all = of_all.chain(doubt.then_some(MAYBE_DIFFERENT_PEOPLE));
    own.chain(of_all).map(str::to_owned).collect()
}

fn undertone(warm: f64) -> &'static str {
    match warm {
        warm if warm > NEUTRAL.1 => "WARM",
        warm if warm < NEUTRAL.0 => "COOL",
        _ => "NEUTRAL",
    }
}

/// The likelihoods of a result; of one with a season alone, as its confidence says.
fn likelihoods(result: &AnalysisResult) -> Likelihoods {
    if let Some(Probabilities { spring, summer, autumn, winter }) = result.probabilities {
        return [spring, summer, autumn, winter];
    }
    let sure = result.confidence.unwrap_or(UNKNOWN_CONFIDENCE).clamp(0.25, 1.0);
    PersonalColor::ALL
        .map(|season| if season == result.personal_color { sure } else { (1.0 - sure) / 3.0 })
}

/// Pools likelihoods: their product, to the power of one over the root of their effective number, scaled to add up to 1.
fn pool(seen: &[Likelihoods]) -> Likelihoods {
    let power = 1.0 / effective_number(seen).sqrt();
    let log = |season: usize| seen.iter().map(|one| one[season].max(LEAST).ln()).sum::<f64>();
    let raised = std::array::from_fn(|season| (power * log(season)).exp());
    let total: f64 = raised.iter().sum();
    raised.map(|likelihood| likelihood / total)
}

/// Number of equally certain photos that these are worth (Kish 1965), from 1; one that says nothing does not count.
fn effective_number(seen: &[Likelihoods]) -> f64 {
    let (sum, squares) = seen
        .iter()
        .map(certainty)
        .fold((0.0, 0.0), |(sum, squares), certain| (sum + certain, squares + certain * certain));
    if squares > 0.0 { sum * sum / squares } else { 1.0 }
}

/// Certainty, from 0, where every season is as likely, to 1: what is missing to the greatest entropy.
fn certainty(likelihoods: &Likelihoods) -> f64 {
    let entropy: f64 = likelihoods.iter().map(|p| -p.max(LEAST) * p.max(LEAST).ln()).sum();
    (1.0 - entropy / 4.0_f64.ln()).max(0.0)
}

/// Index of the greatest likelihood; of equal ones, the first.
fn likeliest(of: &Likelihoods) -> usize {
    (1..of.len()).fold(0, |best, season| if of[season] > of[best] { season } else { best })
}

/// Mean total variation distance between two photos' likelihoods, 0 to 1; 0 for a single photo.
fn spread(seen: &[Likelihoods]) -> f64 {
    let distance = |one: &Likelihoods, other: &Likelihoods| {
        one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum::<f64>() / 2.0
    };
    let pairs = seen
        .iter()
        .enumerate()
        .flat_map(|(index, one)| seen[index + 1..].iter().map(move |other| distance(one, other)));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}

/// True if the skins of two photos, in lights in which colours can be told, have hues too far apart for one person.
/// People with similar skins are not told apart: no faces are compared.
fn may_be_different_people<'a>(results: impl Iterator<Item = &'a AnalysisResult>) -> bool {
    let hues = results.filter_map(|result| {
        let trusted = result.light.as_ref().is_some_and(|light| light.trust >= TRUSTED_LIGHT);
        let doubtful = result.warnings.iter().any(|code| DOUBTFUL_COLOUR.contains(&code.as_str()));
        result.skin.as_ref().filter(|_| trusted && !doubtful).map(|skin| skin.hue)
    });
    let (least, most) = hues.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), hue| {
        (least.min(hue), most.max(hue))
    });
    most - least > HUES_OF_ONE_PERSON
}

#[cfg(test)]
mod tests;
