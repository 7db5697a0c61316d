//! "Did you mean …?": the allowed name nearest to what was written.

/// At most one change per three characters of the name, so that a suggestion is a likely one.
const CHARS_PER_CHANGE: usize = 3;

/// The name in `allowed` nearest to `written`, if it is near enough.
pub(super) fn nearest<'a>(written: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let written = written.to_ascii_lowercase();
    allowed
        .into_iter()
        .map(|name| (distance(&written, name), name))
        .filter(|(distance, name)| *distance <= name.chars().count().div_ceil(CHARS_PER_CHANGE))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

/// Edits between two words: a character more, less, other, or two neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let other = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = other.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name_and_nonsense_finds_none() {
        let keys = ["host", "port", "password", "password_file"];
        assert_eq!(nearest("hots", keys).as_deref(), Some("host"));
        assert_eq!(nearest("Port", keys).as_deref(), Some("port"));
        assert_eq!(nearest("pasword_fil", keys).as_deref(), Some("password_file"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(distance("hots", "host"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
