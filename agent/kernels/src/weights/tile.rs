//! The inner loops: as many inputs and panels as the registers hold.

use crate::blocks::{InputBlock, Line, Q4Block, Q8Block};
use crate::simd::Simd;

/// What of a panel one input element meets: a column of f32, or a block of columns.
pub(super) trait Packed: Sized + Sync {
    type Input: Copy + Sync;

    /// Whether it is a block of quantised weights.
    const QUANTIZED: bool;

    /// The products of `M` inputs with `P` panels.
    fn tile<S: Simd, const M: usize, const P: usize>(
        s: S,
        panels: [&[Self]; P],
        x: [&[Self::Input]; M],
    ) -> [[S::F; M]; P];
}

impl Packed for Line {
    type Input = f32;

    const QUANTIZED: bool = false;

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const P: usize>(
        s: S,
        panels: [&[Self]; P],
        x: [&[f32]; M],
    ) -> [[S::F; M]; P] {
        tile(s, panels, x)
    }
}

/// The products of `M` inputs with `P` panels of f32.
#[inline(always)]
pub(crate) fn tile<S: Simd, const M: usize, const P: usize>(
    s: S,
    panels: [&[Line]; P],
    x: [&[f32]; M],
) -> [[S::F; M]; P] {
    let cols = panels[0].len();
    if M * P == 1 {
        return [[column_sum(s, panels[0], x[0]); M]; P];
    }
    let mut sums = [[s.splat(0.0); M]; P];
    for k in 0..cols {
        let mut lines = [s.splat(0.0); P];
        for p in 0..P {
            lines[p] = s.load(&panels[p][k].0);
        }
        for m in 0..M {
            let input = s.splat(x[m][k]);
            for p in 0..P {
                sums[p][m] = s.mul_add(lines[p], input, sums[p][m]);
            }
        }
    }
    sums
}

/// One panel times one input, as several sums: a single one would wait for each addition.
#[inline(always)]
fn column_sum<S: Simd>(s: S, panel: &[Line], x: &[f32]) -> S::F {
    const SUMS: usize = 4;
    let (panels, panel_rest) = panel.as_chunks::<SUMS>();
    let (inputs, input_rest) = x.as_chunks::<SUMS>();
    let mut sums = [s.splat(0.0); SUMS];
    for (panel, x) in panels.iter().zip(inputs) {
        for i in 0..SUMS {
            sums[i] = s.mul_add(s.load(&panel[i].0), s.splat(x[i]), sums[i]);
        }
    }
    for (line, x) in panel_rest.iter().zip(input_rest) {
        sums[0] = s.mul_add(s.load(&line.0), s.splat(*x), sums[0]);
    }
    s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3]))
}

macro_rules! quantized {
    ($block:ty, $dot:ident) => {
        impl Packed for $block {
            type Input = InputBlock;

            const QUANTIZED: bool = true;

            #[inline(always)]
            fn tile<S: Simd, const M: usize, const P: usize>(
                s: S,
                panels: [&[Self]; P],
                x: [&[InputBlock]; M],
            ) -> [[S::F; M]; P] {
                let across = panels[0].len();
                let mut sums = [[s.splat(0.0); M]; P];
                for p in 0..P {
                    let panel = &panels[p][..across];
                    for b in 0..across {
                        let mut inputs = [&x[0][b]; M];
                        for m in 1..M {
                            inputs[m] = &x[m][b];
                        }
                        s.$dot(&panel[b], inputs, &mut sums[p]);
                    }
                }
                sums
            }
        }
    };
}

quantized!(Q4Block, dot_q4);
quantized!(Q8Block, dot_q8);
