//! Against the real server on a real socket.

mod devices;
mod files;
mod fixture;
mod overload;
mod rollouts;
