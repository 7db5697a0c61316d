//! One spelling for letters that are written in several ways.

/// Lower case without accents: `Öl` and `oel` become `oel`, `débit` becomes `debit`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'ä' | 'æ' => folded.push_str("ae"),
            'ö' | 'œ' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
            'ç' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => folded.push('o'),
            'ù' | 'ú' | 'û' => folded.push('u'),
            other => folded.push(other),
        }
    }
    folded
}

/// A unit without what people leave out or write differently: `m³/h` becomes `m3/h`, `°C` `c`,
/// `mm / s (RMS)` `mm/srms`.
#[must_use]
pub fn fold_unit(unit: &str) -> String {
    let mut folded = String::with_capacity(unit.len());
    for letter in unit.chars().flat_map(char::to_lowercase) {
        match letter {
            '²' => folded.push('2'),
            '³' => folded.push('3'),
            'µ' | 'μ' => folded.push('u'),
            'º' | '˚' | '°' => folded.push('°'),
            '·' | '⋅' | '*' | '^' | '(' | ')' | '[' | ']' | '.' => {}
            space if space.is_whitespace() => {}
            other => folded.push(other),
        }
    }
    // A degree alone is an angle; before a letter it says nothing that the letter does not.
    if folded.chars().count() > 1 { folded.replace('°', "") } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_are_one() {
        assert_eq!(fold("Öldruck"), fold("OELDRUCK"));
        assert_eq!(fold("Débit"), "debit");
    }

    #[test]
    fn spellings_of_one_unit_are_one() {
        assert_eq!(fold_unit("m³/h"), fold_unit("m3 / h"));
        assert_eq!(fold_unit("°C"), "c");
        assert_eq!(fold_unit("°"), "°");
        assert_eq!(fold_unit("kg/cm²"), "kg/cm2");
        assert_eq!(fold_unit("bar(g)"), "barg");
    }
}
