//! Two modes that befall a machine together.

use super::fit::{EXPLAINED, Fit};
use super::table::{Scope, Table};

/// A mode with the other one that explains most of what it leaves over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// What the second adds to the sum of the first, 0 where none adds anything.
    pub gain: f32,
    /// Weight of what neither explains.
    pub left: f32,
}

/// For each mode the best second. `losses` is what a mode loses for the machine it is on.
#[must_use]
pub fn pairs(table: &Table, modes: &[usize], fits: &[Fit], losses: &[f32], weights: &[f32]) -> Vec<Pair> {
    let scope = |place: usize| table.modes[modes[place]].scope;
    let second = |place: &usize| !table.modes[modes[*place]].benign && scope(*place) != Scope::Machine;
    let seconds: Vec<usize> = (0..modes.len()).filter(second).collect();
    let best = |first: usize| {
        let left = fits[first].left_over(weights);
        let alone = Pair { gain: 0.0, left: left.iter().map(|&channel| weights[channel]).sum() };
        if left.is_empty() || scope(first) == Scope::Machine {
            return alone;
        }
        let adds = |&other: &usize| left.iter().any(|&channel| fits[other].speaks[channel] > 0.0);
        let others = seconds.iter().copied().filter(|other| *other != first).filter(adds);
        let gains = others.map(|other| (gain(&fits[first], &fits[other]) - losses[other], other));
        let Some((gain, other)) = gains.max_by(|one, other| one.0.total_cmp(&other.0)) else { return alone };
        if gain <= 0.0 {
            return alone;
        }
        let open = left.iter().filter(|&&channel| fits[other].explains[channel] < EXPLAINED);
        Pair { gain, left: open.map(|&channel| weights[channel]).sum() }
    };
    (0..modes.len()).map(best).collect()
}

/// What the second adds. A channel of which both expect something counts for the one that it suits better.
fn gain(first: &Fit, second: &Fit) -> f32 {
    let added = |(mine, its): (&Option<f32>, &Option<f32>)| match (mine, its) {
        (_, None) => 0.0,
        (None, Some(its)) => *its,
        (Some(mine), Some(its)) => (its - mine).max(0.0),
    };
    first.says.iter().zip(&second.says).map(added).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::TableFile;
    use crate::diagnosis::fixtures::{PHRASES, SIGNATURES};

    #[test]
    fn a_second_mode_adds_what_it_says_of_channels_that_the_first_leaves_over() {
        let file = |name, text| TableFile { name, text };
        let files = [file("signatures.toml", SIGNATURES), file("phrases.toml", PHRASES)];
        let table = Table::read(&files).unwrap();
        let place = |id: &str| table.modes.iter().position(|mode| mode.id == id).unwrap();
        let modes = [place("outlet_blocked"), place("seal_leak"), place("speed_raised")];
        let fit = |explains: [f32; 2], says: [Option<f32>; 2]| Fit {
            explains: explains.to_vec(),
            speaks: says.iter().map(|says| says.unwrap_or(0.0).max(0.0)).collect(),
            says: says.to_vec(),
            ..Fit::default()
        };
        // The third is benign: no fault is explained by it.
        let fits = [
            fit([1.0, 0.0], [Some(3.0), None]),
            fit([0.0, 1.0], [Some(-1.0), Some(2.5)]),
            fit([0.0, 1.0], [None, Some(9.0)]),
        ];
        let found = pairs(&table, &modes, &fits, &[0.0, 0.5, 0.0], &[2.0, 1.5]);
        assert_eq!(found[0], Pair { gain: 2.0, left: 0.0 });
        // The first corrects what the second says of a channel that it does not explain.
        assert_eq!(found[1], Pair { gain: 4.0, left: 0.0 });
        let foreign = pairs(&table, &modes, &fits, &[9.0, 9.0, 0.0], &[2.0, 1.5]);
        assert_eq!(foreign[0], Pair { gain: 0.0, left: 1.5 });
        let whole = pairs(&table, &modes, &fits, &[0.0; 3], &[2.0, 0.0]);
        assert_eq!(whole[0], Pair { gain: 0.0, left: 0.0 });
    }
}
