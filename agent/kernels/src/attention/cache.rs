//! Keys and values of the positions so far, which stay where they are.

use super::Axes;
use crate::blocks::Line;
use crate::simd::LANES;
use std::sync::Arc;

/// Positions in a page: large enough that walking from page to page costs nothing, small enough that a
/// new one is no hitch.
pub(crate) const PAGE: usize = 64;
/// Panels of keys in a page.
pub(crate) const PANELS: usize = PAGE / LANES;

/// Keys and values of one attention layer, in pages of 64 positions.
///
/// A clone shares the pages and copies only the one that it, or the original, writes to next: a conversation
/// that begins as another one did costs nothing.
#[derive(Clone, Debug)]
pub struct Cache {
    heads: usize,
    dim: usize,
    len: usize,
    pages: Vec<Arc<Vec<Line>>>,
}

impl Cache {
    /// A cache without positions, for keys and values of `heads` heads with `dim` numbers each.
    ///
    /// # Panics
    /// If there is no head or `dim` is 0.
    pub fn new(heads: usize, dim: usize) -> Self {
        assert!(heads > 0 && dim > 0, "a cache has heads, and heads have numbers");
        Self { heads, dim, len: 0, pages: Vec::new() }
    }

    /// Heads of keys and values.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Numbers of one head.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory, with those that other clones share.
    pub fn bytes(&self) -> usize {
        self.pages.len() * self.heads * self.lines_of_a_head() * size_of::<Line>()
    }

    /// Forgets all positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.pages.truncate(self.len.div_ceil(PAGE));
    }

    /// Adds `steps` positions; keys and values both lie as `axes` says, with [`heads`](Self::heads) heads.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn append(&mut self, keys: &[f32], values: &[f32], steps: usize, axes: Axes) {
        assert_eq!(keys.len(), self.heads * steps * self.dim, "keys of all heads and steps");
        assert_eq!(values.len(), keys.len(), "as many values as keys");
        for step in 0..steps {
            let (page, at) = (self.len / PAGE, self.len % PAGE);
            if page == self.pages.len() {
                self.pages.push(Arc::new(vec![Line::default(); self.heads * self.lines_of_a_head()]));
            }
            let (dim, key_lines, lines) = (self.dim, self.key_lines(), self.lines_of_a_head());
            let page = Arc::make_mut(&mut self.pages[page]);
            for (head, page) in page.chunks_exact_mut(lines).enumerate() {
                let from = axes.start(head, step, self.heads, steps, dim);
                let (keys, values) = (&keys[from..][..dim], &values[from..][..dim]);
                let (panels, rest) = page.split_at_mut(key_lines);
                for (line, key) in panels[at / LANES * dim..].iter_mut().zip(keys) {
                    line.0[at % LANES] = *key;
                }
                let width = dim.div_ceil(LANES);
                for (line, values) in rest[at * width..].iter_mut().zip(values.chunks(LANES)) {
                    line.0[..values.len()].copy_from_slice(values);
                }
            }
            self.len += 1;
        }
    }

    /// The pages of one head: panels of sixteen positions, each with the keys' numbers one line after
    /// the other; and for each position the lines of its values, the last one filled up with zeros.
    #[inline(always)]
    pub(crate) fn page(&self, head: usize, page: usize) -> (&[Line], &[Line]) {
        let lines = self.lines_of_a_head();
        self.pages[page][head * lines..][..lines].split_at(self.key_lines())
    }

    fn key_lines(&self) -> usize {
        PANELS * self.dim
    }

    fn lines_of_a_head(&self) -> usize {
        self.key_lines() + PAGE * self.dim.div_ceil(LANES)
    }
}
