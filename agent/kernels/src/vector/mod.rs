//! The sums between products: norms, softmax, activations, rotary positions.

mod activation;
mod exp;
mod lines;
mod norm;
mod rope;
pub(crate) mod softmax;

pub use activation::{gelu, gelu_tanh, silu, silu_mul};
pub use norm::{layer_norm, rms_norm};
pub use rope::{Rotation, rope};
pub use softmax::softmax_in_place;
