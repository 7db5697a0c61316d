//! A record: one message that must reach the control room.

/// What leaves first when there is a backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Incidents overtake telemetry.
    Incident = 0,
    /// Aggregates.
    Telemetry = 1,
}

/// One message that must reach the control room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place before or behind the others.
    pub priority: Priority,
    /// The full MQTT topic.
    pub topic: String,
    /// A JSON object without `boot`, `seq` and `hist`: those are added when it is sent.
    pub body: Vec<u8>,
}

/// The name of a stored record. Big-endian bytes of it sort by priority, then age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Its priority.
    pub priority: Priority,
    /// Which start of the agent accepted it.
    pub boot: u32,
    /// Its number among the records of that boot, over all priorities, from 1 without gaps.
    pub seq: u64,
}
