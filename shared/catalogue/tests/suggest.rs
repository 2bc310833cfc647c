//! Suggestions for every state in which a name is being typed on a Korean keyboard.

use time::OffsetDateTime;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::hangul::{compose, keys};
use toneup_catalogue::live::{Batch, Consumer};
use toneup_catalogue::product::ProductId;
use toneup_catalogue::product::store::StoredProduct;
use toneup_catalogue::suggest::{MOST, Suggestions};

fn stored(number: u64) -> StoredProduct {
    let product = Catalogue::new(1).product(number);
    StoredProduct { product, created_at: OffsetDateTime::UNIX_EPOCH }
}

#[test]
fn each_keystroke_of_a_name_finds_it_or_better_ones() {
    let suggestions = Suggestions::default();
    let present: Vec<StoredProduct> = (1..=3000).map(stored).collect();
    suggestions.apply(&Batch { present, gone: Vec::new() });
    suggestions.flush();
    let index = suggestions.index();
    for number in (1..=3000).step_by(7) {
        let name = stored(number).product.name;
        let pressed = keys(&name);
        let own = index.suggest(&name).into_iter().find(|one| one.text == name).cloned();
        let own = own.unwrap_or_else(|| panic!("{name} is not found by itself"));
        for count in 1..=pressed.chars().count() {
            let state = compose(&pressed.chars().take(count).collect::<String>());
            if state.chars().all(|one| !one.is_alphanumeric()) {
                continue;
            }
            let found = index.suggest(&state);
            let is_there = found.iter().any(|one| one.text == name);
            let is_full = found.len() == MOST && found.iter().all(|one| one.score >= own.score);
            assert!(is_there || is_full, "{name} as {state}: {found:?}");
        }
    }
}

#[test]
fn suggestions_follow_the_products() {
    let suggestions = Suggestions::default();
    let mut one = stored(1);
    one.product.name = "유일무이한 이름".to_owned();
    suggestions.apply(&Batch { present: vec![one.clone(), stored(2)], gone: Vec::new() });
    suggestions.flush();
    let texts = |typed: &str| -> Vec<String> {
        suggestions.index().suggest(typed).into_iter().map(|one| one.text.clone()).collect()
    };
    assert_eq!(texts("유일"), ["유일무이한 이름"]);
    one.product.name = "다른 이름".to_owned();
    suggestions.apply(&Batch { present: vec![one], gone: vec![ProductId(2), ProductId(77)] });
    suggestions.flush();
    assert_eq!(texts("유일"), [] as [&str; 0]);
    assert_eq!(texts("이름"), ["다른 이름"], "a later word");
    assert_eq!(texts(&stored(2).product.name), [] as [&str; 0]);
}
