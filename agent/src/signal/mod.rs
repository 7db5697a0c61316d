//! From samples to windows: alignment into frames, windows with overlap, aggregates.

pub mod aggregate;
pub mod align;
pub mod frame;
pub mod geometry;
pub mod sample;
pub mod window;

pub use aggregate::{Aggregate, ChannelAggregate};
pub use frame::Frame;
pub use sample::{BadSample, ChannelIx, Sample};
pub use window::Window;
