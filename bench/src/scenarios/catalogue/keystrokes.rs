//! Suggestions at every keystroke of every name.

use std::collections::HashMap;
use std::thread;

use anyhow::anyhow;
use toneup_catalogue::hangul::{compose, push_keys};
use toneup_catalogue::suggest::{Index, MOST, Suggestion};

use super::shop::Shop;
use crate::report::{Report, Row};

/// One name in so many is typed in a quick run.
const SAMPLED: usize = 20;
/// Threads that type.
const THREADS: usize = 2;

/// What has gone wrong while names were typed.
#[derive(Debug, Default)]
struct Typed {
    states: u64,
    missing: u64,
    holes: u64,
    examples: Vec<String>,
}

/// Types every name.
pub(super) fn run(quick: bool, shop: &Shop, report: &mut Report) -> anyhow::Result<()> {
    let suggestions = shop.suggestions();
    let index = suggestions.index();
    let mut scores: HashMap<&str, u32> = HashMap::new();
    for stored in &shop.products {
        *scores.entry(&stored.product.name).or_default() += 1;
    }
    let mut names: Vec<(&str, u32)> = scores.into_iter().collect();
    names.sort_unstable();
    let step = if quick { SAMPLED } else { 1 };
    let names: Vec<(&str, u32)> = names.into_iter().step_by(step).collect();
    let parts = names.chunks(names.len().div_ceil(THREADS).max(1));
    let typed = thread::scope(|scope| {
        let typing: Vec<_> = parts.map(|part| scope.spawn(|| type_all(&index, part))).collect();
        typing
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a thread has failed")))
            .collect::<anyhow::Result<Vec<Typed>>>()
    })?;
    let sum = |of: fn(&Typed) -> u64| typed.iter().map(of).sum::<u64>();
    let (states, missing, holes) =
        (sum(|one| one.states), sum(|one| one.missing), sum(|one| one.holes));
    report.next_table();
    report.row(
        Row::default()
            .with("what", "names typed key by key")
            .with("names", names.len())
            .with("states", states)
            .with("name_missing", missing)
            .with("empty_between", holes)
            .wanted("no name missing, no list empty between others", missing + holes == 0),
    )?;
    let examples: Vec<String> = typed.into_iter().flat_map(|one| one.examples).take(10).collect();
    if !examples.is_empty() {
        report.remark(format!("Not suggested: {}.", examples.join(", ")))?;
    }
    Ok(())
}

fn type_all(index: &Index, names: &[(&str, u32)]) -> Typed {
    let mut typed = Typed::default();
    for (name, score) in names {
        let (mut keys, mut was_empty, mut hole) = (String::new(), true, false);
        for character in name.chars() {
            let mut own = String::new();
            push_keys(character, &mut own);
            for key in own.chars() {
                keys.push(key);
                let state = compose(&keys);
                let found = index.suggest(&state);
                typed.states += 1;
                if !is_fair(&found, name, *score) {
                    typed.missing += 1;
                    typed.examples.push(format!("{name} at {state}"));
                    typed.examples.truncate(5);
                }
                // Empty, and not so before and behind.
                if !found.is_empty() && hole {
                    typed.holes += 1;
                }
                hole = (hole && found.is_empty()) || (found.is_empty() && !was_empty);
                was_empty = found.is_empty();
            }
        }
    }
    typed
}

/// True if a name is suggested, or the list is full of what comes before it.
fn is_fair(found: &[&Suggestion], name: &str, score: u32) -> bool {
    let rank = |text: &str, score: u32| (score, std::cmp::Reverse(text.chars().count()));
    found.iter().any(|one| one.text == name)
        || found.len() == MOST
            && found.iter().all(|one| rank(&one.text, one.score) >= rank(name, score))
}
