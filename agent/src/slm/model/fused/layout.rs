//! Which element of a row each element of a tensor is.
//!
//! Graphs reshape, transpose and broadcast; here every row of a value (one token's numbers) lies in
//! memory as it was made, and only the view changes. A dimension of a tensor is a product of parts,
//! slowest first: the tokens, the cache, or steps through a row.

use tract_nnef::internal::*;

/// A part of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The new tokens.
    New,
    /// The tokens of the cache and the new ones.
    All,
    /// `count` steps of `stride` through a row; a stride of 0 repeats.
    Row { stride: usize, count: usize },
}

/// The dimensions of a tensor; one without parts has length 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(pub Vec<Vec<Part>>);

/// What tensors look like whose lengths are `S` and `P + S`.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    pub new: TDim,
    pub all: TDim,
}

impl Layout {
    /// `[1, tokens, count]`: a row in its own order.
    pub fn rows(count: usize) -> Self {
        Layout(vec![vec![], vec![Part::New], row(1, count)])
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The dimension that is `part` and nothing else.
    pub fn find(&self, part: &Part) -> Option<usize> {
        self.0.iter().position(|dim| dim == std::slice::from_ref(part))
    }

    /// Whether any dimension holds `part`.
    pub fn holds(&self, part: &Part) -> bool {
        self.0.iter().flatten().any(|held| held == part)
    }

    /// Steps and counts through a row, dimension by dimension; nothing for one without.
    pub fn row_of(dim: &[Part]) -> Vec<(usize, usize)> {
        let steps = dim.iter().filter_map(|part| match part {
            Part::Row { stride, count } => Some((*stride, *count)),
            Part::New | Part::All => None,
        });
        steps.collect()
    }

    /// Elements of one row that this layout shows, repeats included.
    pub fn shown(&self) -> usize {
        self.0.iter().map(|dim| count(dim)).product()
    }

    /// Whether it shows all `width` elements of a row, once each and in order.
    pub fn whole(&self, width: usize) -> bool {
        let all: Vec<Part> =
            self.0.iter().flatten().filter(|part| matches!(part, Part::Row { .. })).cloned().collect();
        merged(all) == row(1, width)
    }

    /// The layout after `op`.
    pub fn changed(&self, op: &AxisOp, lengths: &Lengths) -> Option<Self> {
        let mut dims = self.0.clone();
        match op {
            AxisOp::Add(at) => dims.insert(*at, vec![]),
            AxisOp::Rm(at) => {
                if !dims.remove(*at).is_empty() {
                    return None;
                }
            }
            AxisOp::Move(from, to) => {
                let dim = dims.remove(*from);
                dims.insert(*to, dim);
            }
            AxisOp::Reshape(at, from, to) => {
                let parts: Vec<Part> = dims.drain(*at..at + from.len()).flatten().collect();
                let split = split(parts, to, lengths)?;
                dims.splice(*at..*at, split);
            }
        }
        Some(Layout(dims))
    }

    /// The layout repeated to `shape`.
    pub fn broadcast(&self, shape: &[TDim]) -> Option<Self> {
        let dims = self.0.iter().zip(shape).map(|(dim, to)| {
            if !dim.is_empty() || to.is_one() {
                return Some(dim.clone());
            }
            Some(row(0, to.to_usize().ok()?))
        });
        Some(Layout(dims.collect::<Option<_>>()?))
    }
}

/// One dimension of `count` steps.
pub(super) fn row(stride: usize, count: usize) -> Vec<Part> {
    if count == 1 { vec![] } else { vec![Part::Row { stride, count }] }
}

/// Elements of a row that a dimension shows.
pub(super) fn count(dim: &[Part]) -> usize {
    Layout::row_of(dim).iter().map(|(_, count)| count).product()
}

/// The offset in a row of element `index` of a dimension.
pub(super) fn offset(dim: &[Part], mut index: usize) -> usize {
    let mut offset = 0;
    for (stride, count) in Layout::row_of(dim).into_iter().rev() {
        offset += stride * (index % count);
        index /= count;
    }
    offset
}

/// Neighbours that are one run of steps, as one.
fn merged(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = vec![];
    for part in parts {
        if let (Some(Part::Row { stride: slow, count: many }), Part::Row { stride, count }) =
            (out.last_mut(), &part)
            && *slow == stride * count
        {
            (*slow, *many) = (*stride, *many * count);
            continue;
        }
        out.push(part);
    }
    out
}

fn split(parts: Vec<Part>, to: &[TDim], lengths: &Lengths) -> Option<Vec<Vec<Part>>> {
    let mut rest: std::collections::VecDeque<Part> = parts.into();
    let mut dims = vec![];
    for dim in to {
        let mut parts = vec![];
        if *dim == lengths.new || *dim == lengths.all {
            let expected = if *dim == lengths.new { Part::New } else { Part::All };
            (rest.pop_front()? == expected).then_some(())?;
            parts.push(expected);
        } else {
            let mut left = dim.to_usize().ok()?;
            while left > 1 {
                let Part::Row { stride, count } = rest.pop_front()? else {
                    return None;
                };
                if left >= count {
                    left.is_multiple_of(count).then_some(())?;
                    left /= count;
                    parts.push(Part::Row { stride, count });
                } else {
                    count.is_multiple_of(left).then_some(())?;
                    let inner = count / left;
                    parts.push(Part::Row { stride: stride * inner, count: left });
                    rest.push_front(Part::Row { stride, count: inner });
                    left = 1;
                }
            }
        }
        dims.push(merged(parts));
    }
    rest.is_empty().then_some(dims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Lengths {
        let scope = SymbolScope::default();
        let (new, past) = (scope.sym("S").to_dim(), scope.sym("P").to_dim());
        Lengths { all: past + new.clone(), new }
    }

    #[test]
    fn heads_that_are_split_moved_and_joined_again_are_the_row() {
        let lengths = lengths();
        let rows = Layout::rows(24);
        let split = AxisOp::Reshape(2, tvec![24.to_dim()], tvec![4.to_dim(), 6.to_dim()]);
        let heads = rows.changed(&split, &lengths).unwrap().changed(&AxisOp::Move(1, 2), &lengths).unwrap();
        assert_eq!(heads, Layout(vec![vec![], row(6, 4), vec![Part::New], row(1, 6)]));
        let back = heads.changed(&AxisOp::Move(1, 2), &lengths).unwrap();
        let join = AxisOp::Reshape(2, tvec![4.to_dim(), 6.to_dim()], tvec![24.to_dim()]);
        assert_eq!(back.changed(&join, &lengths).unwrap(), rows);
        assert!(rows.whole(24) && !rows.whole(25));
    }

    #[test]
    fn a_repeated_head_steps_nowhere() {
        let lengths = lengths();
        let keys = Layout(vec![vec![], row(8, 2), vec![Part::All], row(1, 8)]);
        let added = keys.changed(&AxisOp::Add(2), &lengths).unwrap();
        let shape = [1.to_dim(), 2.to_dim(), 3.to_dim(), lengths.all.clone(), 8.to_dim()];
        let repeated = added.broadcast(&shape).unwrap();
        let join = AxisOp::Reshape(1, tvec![2.to_dim(), 3.to_dim()], tvec![6.to_dim()]);
        let joined = repeated.changed(&join, &lengths).unwrap();
        let offsets: Vec<usize> = (0..6).map(|head| offset(&joined.0[1], head)).collect();
        assert_eq!(offsets, [0, 0, 0, 8, 8, 8]);
    }

    #[test]
    fn what_does_not_divide_is_not_split() {
        let split = AxisOp::Reshape(2, tvec![24.to_dim()], tvec![5.to_dim(), 5.to_dim()]);
        assert_eq!(Layout::rows(24).changed(&split, &lengths()), None);
        let unequal = AxisOp::Reshape(2, tvec![24.to_dim()], tvec![4.to_dim(), 5.to_dim()]);
        assert_eq!(Layout::rows(24).changed(&unequal, &lengths()), None);
    }
}
