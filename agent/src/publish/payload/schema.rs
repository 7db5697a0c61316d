//! The ids of the payloads' JSON Schemas; the schemas themselves are `agent/schemas/*.schema.json`.

/// Aggregates.
pub const DATA: &str = "urn:lineside:schema:v1:data";
/// Drift of devices.
pub const DRIFT: &str = "urn:lineside:schema:v1:drift";
/// Changes of incidents.
pub const INCIDENT: &str = "urn:lineside:schema:v1:incident";
/// Open incidents.
pub const INCIDENT_STATE: &str = "urn:lineside:schema:v1:incident-state";
/// Newest values.
pub const LAST: &str = "urn:lineside:schema:v1:last";
/// What the language models cost.
pub const MODELS: &str = "urn:lineside:schema:v1:models";
/// Descriptions of devices.
pub const META: &str = "urn:lineside:schema:v1:meta";
/// Reports of shifts.
pub const REPORT: &str = "urn:lineside:schema:v1:report";
/// The gateway's state.
pub const STATUS: &str = "urn:lineside:schema:v1:status";
