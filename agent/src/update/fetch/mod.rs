//! Fetching: what is asked of a server, and what is believed of its answers.
//!
//! Promises:
//! - Nothing is read past its limit: small documents stop at the caller's limit, targets at their
//!   signed length; no header is believed about sizes.
//! - A cut connection costs no more than what was in flight: [`Download`] continues where the file
//!   on disk ends, and starts over rather than join halves of different files.
//! - A file is handed over only when its length and digest are the signed ones and it is synced.
//! - Every failure says what the caller can do next ([`Kind`]) and waits are bounded both ways
//!   ([`Pace`]): no tight loop, no wait for ever.
//!
//! All of it blocks, and belongs on a thread of its own.

mod address;
mod answer;
mod download;
mod error;
mod http;
mod pace;
mod part;
pub mod patch;
mod rate;
mod source;
pub(crate) mod tls;

#[cfg(test)]
pub(crate) mod tests;

pub use download::{Download, Downloaded, Rules};
pub use error::{FetchError, Kind};
pub use http::{Answer, Http, Limits};
pub use lineside_bundle::patch::Wanted;
pub use pace::{Pace, PaceError};
pub use source::HttpSource;
