//! Tiny language models with random weights, for tests: real ONNX files with a real tokenizer, in
//! real bundles. They want anything, which is the worst that a mask can meet.
//!
//! ```
//! use lineside_random_models::{Made, Shape};
//!
//! let bundle = Made::decoder(&Shape::default()).bundle();
//! assert!(bundle.tokenizer().is_some());
//! ```

pub mod decoder;
pub mod encoder;
mod made;
mod onnx;
mod tokenizer;
pub mod wire;

pub use decoder::Shape;
pub use made::Made;
pub use tokenizer::Vocabulary;
