//! One token after the other: what may follow, and which of it does.

mod answer;
#[cfg(test)]
pub(crate) mod dice;
mod exponential;
mod generate;
mod logits;
pub mod mask;
#[cfg(test)]
mod real;
mod sampler;
mod settings;
mod stops;
#[cfg(test)]
mod tests;
pub mod token_set;

pub use answer::{Answer, DecodeError, Finish};
pub(crate) use exponential::exp;
pub use generate::{Request, generate};
pub(crate) use logits::{are_numbers, log_sum};
pub use mask::{Mask, MaskError};
pub use sampler::Sampler;
pub use settings::{Settings, SettingsError};
pub use token_set::TokenSet;
