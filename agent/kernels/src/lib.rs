//! What one step of a language model costs: products of vectors and packed matrices, and the few
//! sums between them, with the instructions of the processor at hand.
//!
//! ```
//! use lineside_kernels::{Isa, Order, Scratch, Store, Weights};
//!
//! let identity: Vec<f32> = (0..32 * 32).map(|i| if i % 33 == 0 { 1.0 } else { 0.0 }).collect();
//! let weights = Weights::q4(32, 32, Order::RowMajor, &identity)?;
//! let mut scratch = Scratch::new(Isa::detect());
//! let mut y = [0.0; 32];
//! weights.multiply(&[2.0; 32], 1, &mut y, Store::Set, &mut scratch);
//! assert_eq!(y, [2.0; 32]);
//! # Ok::<(), lineside_kernels::WeightsError>(())
//! ```
//!
//! # What is fast for what
//! - **A decode step** (one input) is bounded by reading the weights once: [`Format::Q4`] reads a sixth of what
//!   f32 does, and keeps close to the speed of a plain read from the second-level cache on. Products that
//!   share their input (queries, keys and values; gate and up) are best packed as one matrix, which
//!   quantises the input once.
//! - **A prefill** (many inputs at once) is bounded by arithmetic: Q4 and Q8 run at two to four times the speed of
//!   f32. From twelve inputs on (six without AVX-512) the tiles are full; 128 at a time stay in cache.
//! - **Exactness**: f32 sums in f32. Quantised weights meet inputs rounded to eight bits in blocks of 32, as
//!   in llama.cpp; their integer sums are the same on every processor.
//! - **Attention** reads keys and values where they were appended; heads that share keys read them once.
//! - **Threads** are for matrices of megabytes; below that, and in everything but products, one works.
//! - On x86-64 without AVX2 and on 32-bit ARM it is plain Rust: right, but several times slower.
//!
//! # Unsafe code
//! Lineside has no other: vector instructions (`simd`), the choice of a set that the processor was found
//! to have ([`Isa`]), and lending a caller's borrowed work to a thread ([`Pool`]).

#![allow(
    clippy::needless_range_loop,
    reason = "tiles of registers are indexed by constants; iterators over them are not always taken apart"
)]

mod attention;
mod blocks;
mod f16;
mod input;
mod isa;
mod pool;
mod scratch;
mod simd;
mod vector;
mod weights;

pub use attention::{Attention, Axes, Cache};
pub use isa::Isa;
pub use pool::Pool;
pub use scratch::Scratch;
pub use vector::{Rotation, gelu, gelu_tanh, layer_norm, rms_norm, rope, silu, silu_mul, softmax_in_place};
pub use weights::{Format, Order, Store, Weights, WeightsError};
