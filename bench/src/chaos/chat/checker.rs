//! Checker of conversations: compares what the members saw and were told with what is stored. Pure, and independent of the
//! code under test.

use std::collections::{BTreeMap, HashMap};

use crate::sockets::diary::Diary;

/// An entry of a room's log as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) room: String,
    pub(super) seq: u64,
    /// Text of a message; empty for other entries.
    pub(super) text: String,
}

/// A member's unread count as it is stored, and as a count over the messages gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) told: i64,
    pub(super) counted: i64,
}

/// Sort of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Something that was acknowledged or stored is missing somewhere.
    Lost,
    /// Something is there twice.
    Doubled,
    /// Somebody saw another order.
    Misordered,
    /// Another promise is broken.
    Broken,
}

/// Findings, each with its sort.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings(pub(super) Vec<(Sort, String)>);

impl Findings {
    /// Number of findings of a sort.
    pub(super) fn count(&self, sort: Sort) -> usize {
        self.0.iter().filter(|finding| finding.0 == sort).count()
    }

    fn add(&mut self, sort: Sort, text: String) {
        self.0.push((sort, text));
    }
}

/// Judges a run.
pub(super) fn check(stored: &[Stored], unread: &[Unread], diaries: &[Diary]) -> Findings {
    let mut found = Findings::default();
    let mut rooms: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
    let mut keys: HashMap<&str, (&str, u64)> = HashMap::new();
    for Stored { room, seq, text } in stored {
        if rooms.entry(room).or_default().insert(*seq, text).is_some() {
            found.add(Sort::Doubled, format!("number {seq} of {room} is there twice"));
        }
        if !text.is_empty() && keys.insert(text, (room, *seq)).is_some() {
            found.add(Sort::Doubled, format!("message {text} is stored twice"));
        }
    }
    for (room, log) in &rooms {
        let gaps = (1..).zip(log.keys()).filter(|(expected, seq)| expected != *seq);
        if let Some((expected, _)) = gaps.into_iter().next() {
            found.add(Sort::Broken, format!("{room} has no number {expected}"));
        }
    }
    for diary in diaries {
        check_own(diary, &keys, &mut found);
        check_seen(diary, &rooms, &mut found);
    }
    for Unread { told, counted } in unread.iter().filter(|one| one.told != one.counted) {
        found.add(Sort::Broken, format!("{told} unread are told, {counted} are there"));
    }
    found
}

/// Every acknowledgement is a row, and every message has an acknowledgement.
fn check_own(diary: &Diary, keys: &HashMap<&str, (&str, u64)>, found: &mut Findings) {
    for acked in &diary.acked {
        match keys.get(acked.key.as_str()) {
            None => found.add(Sort::Lost, format!("{} was acknowledged", acked.key)),
            Some(place) if *place != (acked.room.as_str(), acked.seq) => {
                found.add(Sort::Broken, format!("{} is {}, not {}", acked.key, place.1, acked.seq));
            }
            Some(_) => {}
        }
    }
    for refusal in &diary.refused {
        found.add(Sort::Broken, format!("refused: {refusal}"));
    }
    if let Some(key) = &diary.unanswered {
        found.add(Sort::Lost, format!("{key} was never answered"));
    }
}

/// Every member saw each room's log: from the first number to the last, each once, with its text.
fn check_seen(diary: &Diary, rooms: &BTreeMap<&str, BTreeMap<u64, &str>>, found: &mut Findings) {
    for (room, seen) in &diary.seen {
        let empty = BTreeMap::new();
        let log = rooms.get(room.as_str()).unwrap_or(&empty);
        let mut times: BTreeMap<u64, usize> = BTreeMap::new();
        for one in seen {
            *times.entry(one.seq).or_default() += 1;
            if log.get(&one.seq).is_none_or(|text| **text != one.key) {
                found.add(Sort::Broken, format!("number {} of {room} was {:?}", one.seq, one.key));
            }
        }
        for seq in log.keys().filter(|seq| !times.contains_key(seq)) {
            found.add(Sort::Lost, format!("a member did not see number {seq} of {room}"));
        }
        for (seq, times) in times.iter().filter(|(_, times)| **times > 1) {
            found.add(Sort::Doubled, format!("a member saw number {seq} of {room} {times} times"));
        }
        if seen.windows(2).any(|two| two[0].seq > two[1].seq) {
            found.add(Sort::Misordered, format!("a member saw {room} in another order"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::diary::{Acked, Seen};

    fn stored(seq: u64, text: &str) -> Stored {
        Stored { room: "r".to_owned(), seq, text: text.to_owned() }
    }

    fn diary(seen: &[(u64, &str)], acked: &[(&str, u64)]) -> Diary {
        let mut diary = Diary::new(&["r".to_owned()]);
        for (seq, key) in seen {
            diary.see("r", Seen { seq: *seq, key: (*key).to_owned() });
        }
        let one = |(key, seq): &(&str, u64)| {
            let (room, key) = ("r".to_owned(), (*key).to_owned());
            Acked { room, key, seq: *seq }
        };
        diary.acked = acked.iter().map(one).collect();
        diary
    }

    fn sorts(stored: &[Stored], diary: Diary) -> Vec<Sort> {
        check(stored, &[], &[diary]).0.into_iter().map(|finding| finding.0).collect()
    }

    #[test]
    fn whoever_saw_everything_once_and_in_order_has_no_findings() {
        let log = [stored(1, "a"), stored(2, ""), stored(3, "b")];
        let seen = diary(&[(1, "a"), (2, ""), (3, "b")], &[("b", 3)]);
        let unread = [Unread { told: 2, counted: 2 }];
        assert_eq!(check(&log, &unread, &[seen]), Findings::default());
    }

    #[test]
    fn each_broken_promise_is_found() {
        let log = [stored(1, "a"), stored(2, "b")];
        assert_eq!(sorts(&log, diary(&[(1, "a")], &[])), [Sort::Lost]);
        assert_eq!(sorts(&log, diary(&[(1, "a"), (1, "a"), (2, "b")], &[])), [Sort::Doubled]);
        assert_eq!(sorts(&log, diary(&[(2, "b"), (1, "a")], &[])), [Sort::Misordered]);
        assert_eq!(sorts(&log, diary(&[(1, "z"), (2, "b")], &[])), [Sort::Broken]);
        let all = [(1, "a"), (2, "b")];
        assert_eq!(sorts(&log, diary(&all, &[("c", 3)])), [Sort::Lost]);
        assert_eq!(sorts(&log, diary(&all, &[("b", 1)])), [Sort::Broken]);
        let gap = [stored(1, "a"), stored(3, "b")];
        assert_eq!(sorts(&gap, diary(&[(1, "a"), (3, "b")], &[])), [Sort::Broken]);
        let twice = [stored(1, "a"), stored(2, "a")];
        assert_eq!(sorts(&twice, diary(&[(1, "a"), (2, "a")], &[])), [Sort::Doubled]);
        let mut silent = diary(&all, &[]);
        silent.unanswered = Some("c".to_owned());
        assert_eq!(sorts(&log, silent), [Sort::Lost]);
        let wrong = check(&log, &[Unread { told: 1, counted: 2 }], &[]);
        assert_eq!(wrong.count(Sort::Broken), 1);
    }
}
