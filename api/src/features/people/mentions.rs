//! Mentions: `@nickname` in a text. Where a particle follows without a space, as in Korean, the longest beginning that is
//! somebody's nickname counts.

use std::collections::HashMap;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use super::nickname::{Nickname, is_part};

/// People whom one text mentions at most; the rest is text.
const MOST: usize = 10;

/// Somebody who is mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mentioned {
    pub(crate) user: UserId,
}

/// Finds the people whom a text of `author`'s mentions, those aside who and the author block each other, and stores them in
/// place of those that were stored for it before. `of`: the kind and the number of what has the text.
pub(crate) async fn store_mentions(
    conn: &mut MySqlConnection,
    author: UserId,
    (kind, number): (&str, u64),
    text: &str,
) -> Result<Vec<Mentioned>, sqlx::Error> {
    sqlx::query!("DELETE FROM mentions WHERE kind = ? AND target_id = ?", kind, number)
        .execute(&mut *conn)
        .await?;
    let mentioned = resolve(&mut *conn, author, &candidates(text)).await?;
    for person in &mentioned {
        sqlx::query!(
            "INSERT IGNORE INTO mentions (kind, target_id, user_id) VALUES (?, ?, ?)",
            kind,
            number,
            person.user,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(mentioned)
}

async fn resolve(
    conn: &mut MySqlConnection,
    author: UserId,
    candidates: &[Vec<String>],
) -> Result<Vec<Mentioned>, sqlx::Error> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let mut query =
        QueryBuilder::new("SELECT u.nickname_key, u.id FROM users u WHERE u.nickname_key IN ");
    bind_list(&mut query, candidates.iter().flatten().cloned());
    query.push(" AND u.deleted_at IS NULL AND u.id <> ").push_bind(author);
    query.push(
        " AND NOT EXISTS (SELECT 1 FROM restrictions b
                          WHERE b.user_id = u.id AND b.kind = 'block' AND b.subject_id = ",
    );
    query.push_bind(author).push(
        ") AND NOT EXISTS (SELECT 1 FROM restrictions m
                           WHERE m.subject_id = u.id AND m.kind = 'block' AND m.user_id = ",
    );
    query.push_bind(author).push(")");
    let found: Vec<(String, UserId)> = query.build_query_as().fetch_all(conn).await?;
    let found: HashMap<String, UserId> = found.into_iter().collect();
    let mut mentioned: Vec<Mentioned> = Vec::new();
    for keys in candidates {
        if let Some(user) = keys.iter().find_map(|key| found.get(key))
            && mentioned.iter().all(|one| one.user != *user)
        {
            mentioned.push(Mentioned { user: *user });
        }
    }
    Ok(mentioned)
}

/// For each mention the keys of the nicknames that it may mean, the longest first.
fn candidates(text: &str) -> Vec<Vec<String>> {
    let mut mentions = Vec::new();
    let mut before = None;
    for (place, c) in text.char_indices() {
        // An address of a mailbox mentions nobody.
        if c == '@' && !before.is_some_and(is_part) && mentions.len() < MOST {
            let rest = &text[place + 1..];
            let run: Vec<char> = rest.chars().take_while(|c| is_part(*c)).take(20).collect();
            let keys: Vec<String> = (2..=run.len())
                .rev()
                .filter_map(|length| Nickname::parse(&run[..length].iter().collect::<String>()))
                .map(|nickname| nickname.key().to_owned())
                .collect();
            if !keys.is_empty() {
                mentions.push(keys);
            }
        }
        before = Some(c);
    }
    mentions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_begins_a_word_and_may_have_a_particle() {
        let longest = |text: &str| -> Vec<String> {
            candidates(text).into_iter().map(|keys| keys[0].clone()).collect()
        };
        assert_eq!(longest("@Spring, see @봄날이에요!"), ["spring", "봄날이에요"]);
        assert!(candidates("@봄날이에요")[0].contains(&"봄날".to_owned()));
        assert_eq!(longest("(@ab)@cd\n@ef@gh"), ["ab", "cd", "ef"]);
        for text in ["mail@example.com", "@", "@a", "@ spring", "봄@봄날", "@@"] {
            assert_eq!(longest(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(candidates(&"@someone ".repeat(30)).len(), MOST);
        assert_eq!(longest(&format!("@{}", "x".repeat(30))), ["x".repeat(20)]);
    }
}
