//! Against real servers on real sockets that misbehave on purpose.

mod disk;
mod download;
mod http;
mod secure;
pub(crate) mod server;
