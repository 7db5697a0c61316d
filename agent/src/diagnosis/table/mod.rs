//! The table of fault modes: what channels are called, and what moves when something fails.
//!
//! ```text
//! file: the form as it is written     read: checks, merges, names what is wrong
//! ```

mod file;
mod read;
#[cfg(test)]
mod tests;

use super::words::Lexicon;

/// The table that a diagnosis works with.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub quantities: Vec<Quantity>,
    pub places: Vec<Place>,
    pub machines: Vec<Machine>,
    /// Every pair of quantity and place that a machine or a mode names.
    pub kinds: Vec<Kind>,
    pub modes: Vec<Mode>,
    pub words: Lexicon<Meaning>,
    pub machine_words: Lexicon<usize>,
    /// Words that notes are full of and that say nothing.
    pub filler: Vec<String>,
}

/// What a word of a channel's name may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Quantity(usize),
    Place(usize),
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub id: String,
    /// Folded units that decide.
    pub units: Vec<String>,
    /// Folded units that it may have beside others.
    pub also: Vec<String>,
    /// Folded letters that begin its tags, perhaps none.
    pub isa: String,
}

/// Where it is measured.
#[derive(Clone, Debug)]
pub struct Place {
    pub id: String,
    pub general: bool,
}

/// A kind of machine, with the kinds of channels that it usually has.
#[derive(Clone, Debug)]
pub struct Machine {
    pub id: String,
    pub channels: Vec<usize>,
}

/// A kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub quantity: usize,
    pub place: Option<usize>,
}

/// A fault mode.
#[derive(Clone, Debug)]
pub struct Mode {
    pub id: String,
    /// Kinds of machines that it is seen on; none: any.
    pub machines: Vec<usize>,
    pub scope: Scope,
    pub benign: bool,
    pub cause: String,
    pub check: String,
    pub effects: Vec<Effect>,
    pub phrases: Vec<String>,
}

/// What a mode is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A part of the machine.
    Part,
    /// One sensor, whichever; nothing else takes part.
    Sensor,
    /// Every channel of the machine.
    Machine,
}

/// One channel's part in a mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The kind of channel; without meaning for modes of a sensor or of the whole machine.
    pub kind: usize,
    pub movement: Movement,
    pub size: Size,
    /// Its place in the order of onset, from 1.
    pub order: u32,
    pub step: bool,
    pub ramp: bool,
    /// How often it is seen where the channel exists, above 0 to 1.
    pub seen: f32,
}

/// How a channel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    Up,
    Down,
    Swing,
    Spikes,
    Stuck,
    Silent,
}

/// How far a channel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Slight,
    Clear,
    Strong,
    Extreme,
}
