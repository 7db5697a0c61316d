//! Attention over positions that stay in place.

mod attend;
mod cache;

pub use attend::Attention;
pub use cache::Cache;

/// How heads and steps lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axes {
    /// `[heads][steps][dim]`.
    HeadsFirst,
    /// `[steps][heads][dim]`, as a projection leaves them.
    StepsFirst,
}

impl Axes {
    /// Where the numbers of one head in one step start.
    #[inline(always)]
    pub(crate) fn start(self, head: usize, step: usize, heads: usize, steps: usize, dim: usize) -> usize {
        match self {
            Self::HeadsFirst => (head * steps + step) * dim,
            Self::StepsFirst => (step * heads + head) * dim,
        }
    }
}
