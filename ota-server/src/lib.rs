//! The OTA server: signs, serves and rolls out model bundles.
//!
//! Three rooms make up the offline side. [`keys`] hold what signs, [`tuf`] is the form of what is
//! signed, [`repository`] is the folder in which the signed files lie and the only one that writes it.
//! Four make up the server: [`server`] answers, [`db`] keeps what was answered, [`rollouts`] decides
//! when a revision is signed, [`audit`] remembers who asked for it.
//!
//! Promise: whoever reads the repository at any moment, also after a power cut in the middle of a
//! change, finds one consistent state of it, signed to its thresholds.

pub mod audit;
pub mod cli;
pub mod db;
pub mod keys;
pub mod repository;
pub mod rollouts;
pub mod server;
pub mod tuf;
