//! One attention step: scores, softmax and the sum of values, for a few queries at a time.

use super::cache::{PAGE, PANELS};
use super::{Axes, Cache};
use crate::blocks::Line;
use crate::scratch::Scratch;
use crate::simd::{LANES, Op, Simd};
use crate::vector::softmax::softmax;
use crate::weights::tile;

/// An attention step over the newest positions of a cache, which must have been appended before.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Heads of queries, a multiple of the cache's heads: consecutive ones share keys and values.
    pub heads: usize,
    /// New positions: the last ones of the cache.
    pub steps: usize,
    /// Factor of the scores, usually `1 / sqrt(dim)`.
    pub scale: f32,
    /// Whether a position sees only itself and earlier ones.
    pub causal: bool,
    /// Added to the scaled scores, `[steps][positions of the cache]`; negative infinity hides a position.
    pub mask: Option<&'a [f32]>,
    /// How the queries lie.
    pub queries: Axes,
    /// How the outputs lie.
    pub outputs: Axes,
}

impl Attention<'_> {
    /// Attends from `q` over `cache` to `y`, both of `heads * steps * dim` numbers. A query that sees no
    /// position gives zeros. A NaN in a query, or in a key or value that it sees, makes its output NaN;
    /// one in a later position of the same call may.
    ///
    /// # Panics
    /// If a slice has another length, the heads do not share evenly, or the cache is shorter than `steps`.
    pub fn attend(&self, q: &[f32], cache: &Cache, y: &mut [f32], scratch: &mut Scratch) {
        let all = self.heads * self.steps * cache.dim();
        assert_eq!(q.len(), all, "queries of all heads and steps");
        assert_eq!(y.len(), all, "outputs of all heads and steps");
        assert!(self.heads.is_multiple_of(cache.heads()), "query heads share key heads evenly");
        assert!(self.steps <= cache.len(), "the new positions are in the cache");
        if let Some(mask) = self.mask {
            assert_eq!(mask.len(), self.steps * cache.len(), "a mask is [steps][positions]");
        }
        let scores = &mut scratch.scores;
        scratch.isa.run(Attend { step: self, q, cache, y, scores });
    }
}

struct Attend<'a> {
    step: &'a Attention<'a>,
    q: &'a [f32],
    cache: &'a Cache,
    y: &'a mut [f32],
    /// For each query of a tile a row of scores, then of weights, in whole pages.
    scores: &'a mut Vec<Line>,
}

impl Op for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let rows = self.step.heads / self.cache.heads() * self.step.steps;
        for head in 0..self.cache.heads() {
            let mut row = 0;
            while row < rows {
                row += match rows - row {
                    8.. if S::WIDE => self.tile::<S, 8, 2, 2>(s, head, row),
                    4.. if S::WIDE => self.tile::<S, 4, 4, 4>(s, head, row),
                    4.. => self.tile::<S, 4, 1, 1>(s, head, row),
                    3 if S::WIDE => self.tile::<S, 3, 4, 4>(s, head, row),
                    3 => self.tile::<S, 3, 1, 1>(s, head, row),
                    2 if S::WIDE => self.tile::<S, 2, 4, 4>(s, head, row),
                    2 => self.tile::<S, 2, 2, 2>(s, head, row),
                    _ if S::WIDE => self.tile::<S, 1, 4, 4>(s, head, row),
                    _ => self.tile::<S, 1, 2, 2>(s, head, row),
                };
            }
        }
    }
}

impl Attend<'_> {
    /// `M` queries that share the keys of `head`, with `P` panels of keys and `C` lines of values at a time.
    /// Queries of the same step follow each other, so that those of a tile see nearly the same
    /// positions. Returns `M`.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const P: usize, const C: usize>(
        &mut self,
        s: S,
        head: usize,
        row: usize,
    ) -> usize {
        let (step, dim, len) = (self.step, self.cache.dim(), self.cache.len());
        let group = step.heads / self.cache.heads();
        let mut q = [&self.q[..0]; M];
        let mut outputs = [0; M];
        let mut seen = [len; M];
        let mut masks = [None; M];
        for m in 0..M {
            let (at, head) = ((row + m) / group, head * group + (row + m) % group);
            q[m] = &self.q[step.queries.start(head, at, step.heads, step.steps, dim)..][..dim];
            outputs[m] = step.outputs.start(head, at, step.heads, step.steps, dim);
            if step.causal {
                seen[m] = len - step.steps + at + 1;
            }
            masks[m] = step.mask.map(|mask| &mask[at * len..][..seen[m]]);
        }
        // Later rows are of later steps.
        let pages = seen[M - 1].div_ceil(PAGE);
        let width = pages * PANELS;
        if self.scores.len() < M * width {
            self.scores.resize(M * width, Line::default());
        }
        let scale = s.splat(step.scale);
        for page in 0..pages {
            let (keys, _) = self.cache.page(head, page);
            let seen = PANELS.min((seen[M - 1] - page * PAGE).div_ceil(LANES));
            for first in (0..seen).step_by(P) {
                let mut panels = [&keys[..dim]; P];
                for p in 0..P {
                    panels[p] = &keys[(first + p) * dim..][..dim];
                }
                let sums: [[S::F; M]; P] = tile(s, panels, q);
                for p in 0..P {
                    for m in 0..M {
                        let line = &mut self.scores[m * width + page * PANELS + first + p];
                        s.store(s.mul(sums[p][m], scale), &mut line.0);
                    }
                }
            }
        }
        let mut totals = [0.0; M];
        for m in 0..M {
            totals[m] = softmax(s, &mut self.scores[m * width..][..width], seen[m], masks[m]);
        }
        let lines = dim.div_ceil(LANES);
        let mut line = 0;
        while line + C <= lines {
            self.values::<S, M, C>(s, head, line, (seen[M - 1], width), outputs, totals);
            line += C;
        }
        while line + 2 <= lines {
            self.values::<S, M, 2>(s, head, line, (seen[M - 1], width), outputs, totals);
            line += 2;
        }
        if line < lines {
            self.values::<S, M, 1>(s, head, line, (seen[M - 1], width), outputs, totals);
        }
        M
    }

    /// The weighted sum of `C` lines of all values that are seen, over the weights' total.
    #[inline(always)]
    fn values<S: Simd, const M: usize, const C: usize>(
        &mut self,
        s: S,
        head: usize,
        first: usize,
        (seen, width): (usize, usize),
        outputs: [usize; M],
        totals: [f32; M],
    ) {
        let dim = self.cache.dim();
        let lines = dim.div_ceil(LANES);
        let mut sums = [[s.splat(0.0); C]; M];
        for page in 0..seen.div_ceil(PAGE) {
            let (_, values) = self.cache.page(head, page);
            let mut weights = [&self.scores[..PANELS]; M];
            for m in 0..M {
                weights[m] = &self.scores[m * width + page * PANELS..][..PANELS];
            }
            for at in 0..PAGE.min(seen - page * PAGE) {
                let values = &values[at * lines + first..][..C];
                for m in 0..M {
                    let weight = s.splat(weights[m][at / LANES].0[at % LANES]);
                    for c in 0..C {
                        sums[m][c] = s.mul_add(s.load(&values[c].0), weight, sums[m][c]);
                    }
                }
            }
        }
        for m in 0..M {
            let inverse = s.splat(if totals[m] == 0.0 { 0.0 } else { 1.0 / totals[m] });
            for c in 0..C {
                let mut line = [0.0; LANES];
                s.store(s.mul(sums[m][c], inverse), &mut line);
                let y = &mut self.y[outputs[m]..][..dim][(first + c) * LANES..];
                let count = y.len().min(LANES);
                y[..count].copy_from_slice(&line[..count]);
            }
        }
    }
}
