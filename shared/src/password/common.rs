//! The blocklist of common passwords. `data/README.md` says where it comes from.

/// One password per line: lower case, NFC, at least 8 code points, sorted by byte.
const LIST: &str = include_str!("../../data/common-passwords.txt");

/// Whether the whole of `folded` (lower case, NFC) is a common password.
pub(super) fn contains(folded: &str) -> bool {
    is_line(LIST.as_bytes(), folded.as_bytes())
}

/// Binary search over the bytes of sorted lines: each probe is widened to the line that it falls into.
fn is_line(lines: &[u8], word: &[u8]) -> bool {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        let probe = low + (high - low) / 2;
        let start = lines[low..probe].iter().rposition(|byte| *byte == b'\n').map_or(low, |newline| low + newline + 1);
        let end = lines[probe..high].iter().position(|byte| *byte == b'\n').map_or(high, |newline| probe + newline);
        match lines[start..end].cmp(word) {
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
            std::cmp::Ordering::Equal => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_in_its_form() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.len() >= 40_000, "{}", lines.len());
        assert!(lines.is_sorted_by(|one, next| one < next), "sorted and unique");
        for line in lines {
            assert!(contains(line), "{line}");
            assert!(line.chars().count() >= 8 && unicode_normalization::is_nfc(line), "{line}");
            assert_eq!(line, line.to_lowercase());
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for word in [
            "",
            "\n",
            "password\n",
            "passwor",
            "passwordde-x",
            "password\nx",
            "!",
            "~~~~~~~~~",
            "яяяяяяяяяяяя",
            "Password",
        ] {
            assert!(!contains(word), "{word:?}");
        }
    }

    #[test]
    fn short_lists_are_searched_to_both_ends() {
        for lines in ["a\nbb\nccc\n", "a\nbb\nccc"] {
            for (word, found) in
                [("a", true), ("bb", true), ("ccc", true), ("b", false), ("", false), ("d", false), ("cc", false)]
            {
                assert_eq!(is_line(lines.as_bytes(), word.as_bytes()), found, "{word} in {lines:?}");
            }
        }
        assert!(!is_line(b"", b"a"));
    }
}
