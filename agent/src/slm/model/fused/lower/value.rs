//! What is known of a tensor of the graph.

use tract_nnef::internal::OutletId;

use super::super::layout::Layout;
use super::super::program::{Cache, Id};

/// Rows of numbers, seen through a layout, each times a factor.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub id: Id,
    pub layout: Layout,
    pub factor: f32,
}

/// What is known of a tensor.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Constants, positions, masks and lengths: what depends on no token and no cache.
    Side,
    /// The tokens.
    Tokens,
    /// A cache before this call.
    Past(Cache),
    /// Rows of numbers.
    Rows(View),
    /// The first or second half of each head, perhaps negated.
    Half { of: View, second: bool, negated: bool },
    /// Both halves of each head exchanged, the second negated.
    Turned(View),
    /// Rows times a side value: half of a rotation.
    Along { of: View, turned: bool, side: OutletId },
    /// The sum of each row.
    Sum(View),
    /// The mean of each row.
    Mean(View),
    /// A cache with the new tokens.
    Cached { cache: Cache, layout: Layout, factor: f32 },
    /// Queries times keys; the layout's row is that of the queries, without the elements of a head.
    Scores(Scores),
    /// Scores after softmax.
    Shares(Scores),
    /// Which shares are no number.
    Broken(Scores),
}

/// Queries times the keys of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scores {
    pub queries: Id,
    pub layer: usize,
    pub layout: Layout,
    pub factor: f32,
    pub masked: bool,
}
