//! What was posted and liked: nothing that was accepted is lost, nothing is there twice, and counts are those of the rows.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Class, Verdict};
use crate::chaos::clients::NOT_FOUND;
use crate::chaos::evidence::Evidence;
use crate::chaos::ledger::Entry;

/// Checks posts and likes.
pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    check_posts(evidence, verdict);
    check_likes(evidence, verdict);
    check_counts(evidence, verdict);
}

/// Every accepted post is one row with its text, every row was asked for, and its pictures decide whether it is shown.
fn check_posts(evidence: &Evidence, verdict: &mut Verdict) {
    let mut asked: HashMap<usize, &str> = HashMap::new();
    let mut accepted: HashMap<usize, HashSet<Uuid>> = HashMap::new();
    for entry in &evidence.ledger {
        match entry {
            Entry::Posts { number, text } => drop(asked.insert(*number, text)),
            Entry::Posted { number, post } => {
                accepted.entry(*number).or_default().insert(*post);
            }
            Entry::PostRefused { number, status, code } => {
                let detail = format!("post {number}: {status} {code}");
                verdict.find(Class::Broken, "a right post is accepted", None, detail);
            }
            _ => {}
        }
    }
    let rows: HashMap<Uuid, &str> =
        evidence.posts.iter().map(|row| (row.id, row.text.as_str())).collect();
    for (number, posts) in &accepted {
        if posts.len() > 1 {
            let detail = format!("post {number} is {posts:?}");
            verdict.find(Class::Repeated, "one key is one post", None, detail);
        }
        for post in posts.iter().filter(|post| rows.get(post) != asked.get(number)) {
            let detail = format!("post {number}, {post}");
            verdict.find(Class::Lost, "an accepted post is in the database", None, detail);
        }
    }
    let texts: HashSet<&str> = asked.into_values().collect();
    let mut seen = HashSet::new();
    for row in &evidence.posts {
        if !texts.contains(row.text.as_str()) {
            verdict.find(Class::Broken, "every post was asked for", None, row.text.clone());
        }
        if !seen.insert(row.text.as_str()) {
            verdict.find(Class::Repeated, "one post is one row", None, row.text.clone());
        }
        if row.state == "processing" && !row.is_pending {
            let detail = format!("{}: no picture is being made", row.text);
            verdict.find(Class::Lost, "a post is shown when its pictures are made", None, detail);
        }
    }
    verdict.looked_at.insert("posts", evidence.posts.len());
}

/// What somebody was told last about a post is what the rows say.
fn check_likes(evidence: &Evidence, verdict: &mut Verdict) {
    // The state after the last wish; `None` while that has no answer.
    let mut told: HashMap<(Uuid, Uuid), Option<bool>> = HashMap::new();
    // The state before a wish that was not granted.
    let mut before = HashMap::new();
    let mut answers = 0;
    for entry in &evidence.ledger {
        match entry {
            Entry::Likes { user, post, .. } => {
                let former = told.insert((*user, *post), None);
                before.insert((*user, *post), former.unwrap_or(Some(false)));
            }
            Entry::LikeAnswered { user, post, liked: Some(liked), .. } => {
                answers += 1;
                told.insert((*user, *post), Some(*liked));
            }
            Entry::LikeAnswered { user, post, status: NOT_FOUND, .. } => {
                let former = before.get(&(*user, *post)).copied().flatten();
                told.insert((*user, *post), former);
            }
            Entry::LikeAnswered { post, status, .. } => {
                let detail = format!("{post}: {status}");
                verdict.find(Class::Broken, "a right like is granted", None, detail);
            }
            _ => {}
        }
    }
    verdict.looked_at.insert("likes", answers);
    for row in &evidence.likes {
        match told.remove(&(row.user, row.post)) {
            Some(Some(true) | None) => {}
            Some(Some(false)) => {
                let detail = format!("{} by {}", row.post, row.user);
                verdict.find(Class::Broken, "what is liked no longer is no row", None, detail);
            }
            None => {
                let detail = format!("{} by {}", row.post, row.user);
                verdict.find(Class::Broken, "every like was asked for", None, detail);
            }
        }
    }
    for ((user, post), liked) in told {
        if liked == Some(true) {
            let detail = format!("{post} by {user}");
            verdict.find(Class::Lost, "a like that was granted is a row", None, detail);
        }
    }
}

/// The counter of every post is the number of its likes.
fn check_counts(evidence: &Evidence, verdict: &mut Verdict) {
    for count in evidence.counts.iter().filter(|count| i64::from(count.likes) != count.counted) {
        let detail = format!("{}: {}, {} rows", count.post, count.likes, count.counted);
        verdict.find(Class::Broken, "a count is that of the rows", None, detail);
    }
}
