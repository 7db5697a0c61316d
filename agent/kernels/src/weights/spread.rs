//! Shares a large product between threads.

use super::Store;
use super::product::{Output, Product};
use super::tile::Packed;
use crate::Isa;
use crate::pool::{MOST_THREADS, Pool};
use crate::simd::LANES;
use std::sync::{Mutex, PoisonError};

/// Bytes of weights, times inputs, that a thread must have to itself: some tens of microseconds, which is what
/// waking it takes.
const WORTH_WAKING: usize = 1 << 20;

/// Runs `product`, on several threads where it is large enough: one input by rows of the weights, several by
/// inputs.
pub(super) fn spread<B: Packed>(isa: Isa, pool: Option<&Pool>, product: Product<'_, B>) {
    let inputs = product.x.len() / product.across;
    let worth = size_of_val(product.panels) * inputs / WORTH_WAKING;
    let Some(pool) = pool.filter(|_| worth > 1) else {
        return isa.run(product);
    };
    let parts = pool.threads().min(worth);
    let Product { x, across, panels, out: Output { y, rows, store } } = product;
    let slots: [Mutex<Option<Product<'_, B>>>; MOST_THREADS] = if inputs == 1 {
        let height = (panels.len() / across).div_ceil(parts);
        let mut first = 0;
        let mut shares = panels.chunks(height * across).zip(y.chunks_mut(height * LANES));
        std::array::from_fn(|_| {
            let share = shares.next().map(|(panels, y)| {
                let rows = y.len();
                let store = match store {
                    Store::Bias(bias) => Store::Bias(&bias[first..][..rows]),
                    other => other,
                };
                first += rows;
                Product { x, across, panels, out: Output { y, rows, store } }
            });
            Mutex::new(share)
        })
    } else {
        let share = inputs.div_ceil(parts);
        let mut shares = x.chunks(share * across).zip(y.chunks_mut(share * rows));
        std::array::from_fn(|_| {
            let share = shares.next();
            Mutex::new(share.map(|(x, y)| Product { x, across, panels, out: Output { y, rows, store } }))
        })
    };
    pool.run(&|part| {
        let share = slots[part].lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(share) = share {
            isa.run(share);
        }
    });
}
