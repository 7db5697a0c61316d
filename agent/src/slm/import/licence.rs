//! The licence of a model, from its README's front matter, as an SPDX identifier.

/// What model pages write, and the identifier of it.
const KNOWN: [(&str, &str); 9] = [
    ("apache-2.0", "Apache-2.0"),
    ("mit", "MIT"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("isc", "ISC"),
    ("unlicense", "Unlicense"),
];

/// The licence that a README states between its first two lines of `---`, where it is one of those
/// that have an identifier.
pub(super) fn stated(readme: &str) -> Option<&'static str> {
    let front = readme.strip_prefix("---")?;
    let front = &front[..front.find("\n---")?];
    let stated = front.lines().find_map(|line| line.strip_prefix("license:"))?;
    let stated = stated.trim().trim_matches(['"', '\'']).to_lowercase();
    KNOWN.iter().find(|(written, _)| *written == stated).map(|(_, spdx)| *spdx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_matters_licence_becomes_its_identifier() {
        assert_eq!(stated("---\nlanguage: en\nlicense: apache-2.0\n---\n# Model\n"), Some("Apache-2.0"));
        assert_eq!(stated("---\nlicense: llama3.2\n---\n"), None, "no identifier: the person must say");
        assert_eq!(stated("# Model\nlicense: mit\n"), None, "not in the front matter");
        assert_eq!(stated("---\nlicense: mit"), None, "no end");
    }
}
