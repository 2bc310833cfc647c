//! Words that mean the same in Korean and in Latin letters.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::generate::{COLOURS, TYPES};

/// Words besides colours and types.
const OTHERS: [(&str, &str); 30] = [
    ("린넨", "linen"),
    ("코튼", "cotton"),
    ("면", "cotton"),
    ("울", "wool"),
    ("캐시미어", "cashmere"),
    ("데님", "denim"),
    ("시폰", "chiffon"),
    ("새틴", "satin"),
    ("트위드", "tweed"),
    ("코듀로이", "corduroy"),
    ("골덴", "corduroy"),
    ("레더", "leather"),
    ("가죽", "leather"),
    ("벨벳", "velvet"),
    ("플리스", "fleece"),
    ("스웨이드", "suede"),
    ("실크", "silk"),
    ("스트라이프", "stripe"),
    ("줄무늬", "stripe"),
    ("체크", "check"),
    ("플라워", "flower"),
    ("꽃무늬", "flower"),
    ("도트", "dot"),
    ("땡땡이", "dot"),
    ("베이직", "basic"),
    ("빈티지", "vintage"),
    ("크롭", "crop"),
    ("오버핏", "overfit"),
    ("레이스", "lace"),
    ("로고", "logo"),
];

/// Words of Korean for what shops name in loanwords, and other ways to write these.
const KOREAN: [(&str, &str); 33] = [
    ("검정", "블랙"),
    ("검은", "블랙"),
    ("검은색", "블랙"),
    ("검정색", "블랙"),
    ("하얀", "화이트"),
    ("흰색", "화이트"),
    ("하얀색", "화이트"),
    ("빨간", "레드"),
    ("빨강", "레드"),
    ("빨간색", "레드"),
    ("분홍", "핑크"),
    ("분홍색", "핑크"),
    ("노란", "옐로우"),
    ("노랑", "옐로우"),
    ("노란색", "옐로우"),
    ("파란", "블루"),
    ("파랑", "블루"),
    ("파란색", "블루"),
    ("초록", "그린"),
    ("초록색", "그린"),
    ("보라", "퍼플"),
    ("보라색", "퍼플"),
    ("주황", "오렌지"),
    ("주황색", "오렌지"),
    ("회색", "그레이"),
    ("하늘색", "스카이블루"),
    ("하늘색", "소라"),
    ("남색", "네이비"),
    ("갈색", "브라운"),
    ("밤색", "브라운"),
    ("재킷", "자켓"),
    ("카디건", "가디건"),
    ("치마", "스커트"),
];

static SYNONYMS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let colours = COLOURS.iter().map(|(korean, latin, _)| (*korean, *latin));
    let types = TYPES.iter().map(|kind| (kind.name, kind.english));
    let mut synonyms: HashMap<&str, Vec<&str>> = HashMap::new();
    for (korean, latin) in colours.chain(types).chain(OTHERS) {
        synonyms.entry(korean).or_default().push(latin);
        synonyms.entry(latin).or_default().push(korean);
    }
    for (korean, loanword) in KOREAN {
        synonyms.entry(korean).or_default().push(loanword);
    }
    // What shares a word in Latin letters is the same, too.
    for (korean, latin) in OTHERS {
        let others: Vec<&str> = synonyms
            .get(latin)
            .into_iter()
            .flatten()
            .copied()
            .filter(|other| *other != korean)
            .collect();
        synonyms.entry(korean).or_default().extend(others);
    }
    synonyms
});

/// Words that mean the same as a word.
pub(super) fn synonyms(word: &str) -> &'static [&'static str] {
    SYNONYMS.get(word).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_both_scripts() {
        assert_eq!(synonyms("coral"), ["코랄"]);
        assert!(synonyms("가죽").contains(&"leather") && synonyms("가죽").contains(&"레더"));
        assert_eq!(synonyms("하늘색"), ["스카이블루", "소라"]);
        assert!(synonyms("없는말").is_empty());
    }
}
