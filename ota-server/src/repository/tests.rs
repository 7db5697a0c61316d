//! Tests with real keys; what devices see is judged by their own verifier.

mod crash;
mod fixture;
mod four_eyes;
mod key_change;
mod lease;
mod online;
mod publish;
mod verify;
