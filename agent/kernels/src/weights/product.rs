//! Walks over inputs and panels in tiles.

use super::Store;
use super::tile::Packed;
use crate::simd::{LANES, Op, Simd};

/// Inputs (rows of `x`) that pass over the weights together: with 576 columns in f32 they fill a third of a
/// megabyte of cache, beside one pair of panels.
const PASS: usize = 128;

/// Where the outputs go: `[inputs][rows]`.
pub(super) struct Output<'a> {
    pub y: &'a mut [f32],
    pub rows: usize,
    pub store: Store<'a>,
}

impl Output<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, input: usize, panel: usize, sums: S::F) {
        let first = panel * LANES;
        let height = LANES.min(self.rows - first);
        let y = &mut self.y[input * self.rows + first..][..height];
        if let Ok(y) = <&mut [f32; LANES]>::try_from(&mut *y) {
            let sums = match self.store {
                Store::Set => sums,
                Store::Add => s.add(s.load(y), sums),
                Store::Bias(bias) => match bias[first..].first_chunk() {
                    Some(bias) => s.add(s.load(bias), sums),
                    None => sums,
                },
            };
            s.store(sums, y);
            return;
        }
        let mut all = [0.0; LANES];
        s.store(sums, &mut all);
        match self.store {
            Store::Set => y.copy_from_slice(&all[..height]),
            Store::Add => y.iter_mut().zip(all).for_each(|(y, sum)| *y += sum),
            Store::Bias(bias) => {
                y.iter_mut().zip(all).zip(&bias[first..]).for_each(|((y, sum), bias)| *y = sum + bias);
            }
        }
    }
}

/// The product of some inputs with some panels.
pub(super) struct Product<'a, B: Packed> {
    pub x: &'a [B::Input],
    /// Elements of one input, and of one panel.
    pub across: usize,
    pub panels: &'a [B],
    pub out: Output<'a>,
}

impl<B: Packed> Op for Product<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let inputs = self.x.len() / self.across;
        if inputs == 1 {
            for panel in 0..self.panels.len() / self.across {
                self.tile::<S, 1, 1>(s, 0, panel);
            }
            return;
        }
        for first in (0..inputs).step_by(PASS) {
            let last = inputs.min(first + PASS);
            // As many sums as the registers hold beside weights and inputs. A panel of quantised weights
            // alone fills eight wide registers, and more rows of inputs than eight the address registers.
            match (S::WIDE, B::QUANTIZED) {
                (true, false) => self.columns::<S, 12, 2>(s, first, last),
                (true, true) => self.columns::<S, 8, 1>(s, first, last),
                (false, false) => self.columns::<S, 6, 1>(s, first, last),
                (false, true) => self.columns::<S, 4, 1>(s, first, last),
            }
        }
    }
}

impl<B: Packed> Product<'_, B> {
    /// The inputs in `first..last` with all panels, `P` at a time.
    #[inline(always)]
    fn columns<S: Simd, const M: usize, const P: usize>(&mut self, s: S, first: usize, last: usize) {
        let panels = self.panels.len() / self.across;
        let mut panel = 0;
        while panel + P <= panels {
            self.column::<S, M, P>(s, first, last, panel);
            panel += P;
        }
        while panel < panels {
            self.column::<S, M, 1>(s, first, last, panel);
            panel += 1;
        }
    }

    /// The inputs in `first..last` with `P` panels, `M` at a time while there are so many.
    #[inline(always)]
    fn column<S: Simd, const M: usize, const P: usize>(
        &mut self,
        s: S,
        mut first: usize,
        last: usize,
        panel: usize,
    ) {
        while first + M <= last {
            self.tile::<S, M, P>(s, first, panel);
            first += M;
        }
        while M > 4 && first + 4 <= last {
            self.tile::<S, 4, P>(s, first, panel);
            first += 4;
        }
        while first + 2 <= last {
            self.tile::<S, 2, P>(s, first, panel);
            first += 2;
        }
        if first < last {
            self.tile::<S, 1, P>(s, first, panel);
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const P: usize>(&mut self, s: S, input: usize, panel: usize) {
        let mut x = [&self.x[..self.across]; M];
        for m in 0..M {
            x[m] = &self.x[(input + m) * self.across..][..self.across];
        }
        let mut panels = [&self.panels[..self.across]; P];
        for p in 0..P {
            panels[p] = &self.panels[(panel + p) * self.across..][..self.across];
        }
        let sums: [[S::F; M]; P] = B::tile(s, panels, x);
        for p in 0..P {
            for m in 0..M {
                self.out.put(s, input + m, panel + p, sums[p][m]);
            }
        }
    }
}
