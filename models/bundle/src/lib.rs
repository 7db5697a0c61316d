//! What a model bundle is: the one thing that agent, server and training agree on.
//!
//! A bundle is a folder, or a plain tar of one, with a `manifest.toml` that names everything else
//! in it:
//!
//! ```text
//! detector/
//!   manifest.toml   what it is, what goes in and out, digests, budget, calibration, provenance
//!   model.onnx      the weights
//!   golden.json     inputs with the outputs that every build of the runtime must reproduce
//!   card.md         for people: what it was trained on, how well it does, its limits
//! ```
//!
//! Promise: [`Bundle::load`] and [`Bundle::open`] return only what the manifest describes byte for
//! byte. A missing, oversized, truncated or exchanged file is refused with the file, the key and
//! what to do; a model that would read other files is refused; and no input makes it panic. It does
//! not run the model: the runtime does, and compares with [`Golden`].

pub mod archive;
pub mod bundle;
pub mod device;
pub mod diff;
pub mod digest;
pub mod error;
mod files;
pub mod golden;
pub mod manifest;
mod onnx;
pub mod patch;
pub mod release;
pub mod rollout;
pub mod trust;
pub mod version;

pub use archive::Archive;
pub use bundle::Bundle;
pub use device::DeviceFacts;
pub use diff::{Difference, diff};
pub use digest::Sha256Hex;
pub use error::BundleError;
pub use golden::{Case, Golden, TextCase};
pub use manifest::Manifest;
pub use release::ReleaseInfo;
pub use rollout::Rollout;
pub use version::Version;
