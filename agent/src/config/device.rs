//! A machine: its channels, its period and where its samples come from.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mqtt::TlsConfig;
use super::units::Span;

/// A sample may come one period late and still meet the frame that closes a period later.
const DEFAULT_LATENESS_PERIODS: u32 = 2;
/// Machines drift and fail over seconds: faster devices are judged once a second.
const DEFAULT_WINDOW: Duration = Duration::from_secs(1);

/// A machine the gateway watches.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    /// Its id, a level of its topics: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// What kind of machine it is, in free words; used in sentences.
    #[serde(default)]
    pub kind: Option<String>,
    /// Time between two samples of a channel, 10 ms to 1 h.
    pub period: Span,
    /// How long a frame waits for samples that come out of order; by default two periods.
    #[serde(default)]
    pub lateness: Option<Span>,
    /// Length of the detector's windows, a multiple of the period; by default the smallest
    /// multiple that is at least 1 s.
    #[serde(default)]
    pub window: Option<Span>,
    /// Distance between the starts of two windows, a multiple of the period and at most the
    /// window's length; by default the window's length (no overlap).
    #[serde(default)]
    pub hop: Option<Span>,
    /// Where its samples come from.
    pub source: SourceConfig,
    /// Its channels, 1 to 64.
    #[serde(rename = "channel")]
    pub channels: Vec<ChannelConfig>,
}

impl DeviceConfig {
    /// How long a frame waits for samples that come out of order, with its default.
    #[must_use]
    pub fn lateness(&self) -> Duration {
        self.lateness.map_or(self.period.0 * DEFAULT_LATENESS_PERIODS, |span| span.0)
    }

    /// Length of the detector's windows, with its default.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window.map_or_else(|| at_least(DEFAULT_WINDOW, self.period.0), |span| span.0)
    }

    /// Distance between the starts of two windows, with its default.
    #[must_use]
    pub fn hop(&self) -> Duration {
        self.hop.map_or_else(|| self.window(), |span| span.0)
    }
}

/// The smallest multiple of `period` that is at least `length`; `period` must not be zero.
fn at_least(length: Duration, period: Duration) -> Duration {
    let multiple = length.as_nanos().div_ceil(period.as_nanos().max(1)).max(1);
    period * u32::try_from(multiple).unwrap_or(u32::MAX)
}

/// One measured quantity of a machine.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Its name, unique within the device.
    pub name: String,
    /// Its unit as people write it, such as `bar` or `°C`.
    #[serde(default)]
    pub unit: String,
    /// What it is, in free words.
    #[serde(default)]
    pub description: Option<String>,
    /// Smallest physically possible value; anything below is counted as out of range.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest physically possible value; anything above is counted as out of range.
    #[serde(default)]
    pub max: Option<f64>,
    /// What the detector sees of the channel's values within a window.
    #[serde(default)]
    pub statistic: Statistic,
    /// `csv`: the column's name; by default the channel's name.
    #[serde(default)]
    pub column: Option<String>,
    /// `mqtt`: the topic it comes from, `+` and `#` allowed; by default the source's topic.
    #[serde(default)]
    pub topic: Option<String>,
    /// `mqtt`: where the number stands in a JSON payload, such as `sensors.pressure`; by default
    /// the channel's name. A payload that is a bare number needs none.
    #[serde(default)]
    pub path: Option<String>,
}

/// What the detector sees of a channel's values within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// The mean: levels such as temperature, pressure, current.
    #[default]
    Mean,
    /// The root mean square: signals that swing around zero, such as raw vibration.
    Rms,
    /// The standard deviation: unrest whatever the level.
    Std,
    /// The largest value: peaks.
    Max,
    /// The newest value: states and counters.
    Last,
}

/// Where a device's samples come from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceConfig {
    /// A recording, or a folder of recordings.
    Csv(CsvSource),
    /// Topics of a broker.
    Mqtt(MqttSource),
    /// A simulated pump station.
    Simulate(SimulateSource),
}

/// A recording, or a folder of recordings in the order of their names.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSource {
    /// The file or folder. `lineside replay` and `lineside eval` name theirs on the command line.
    #[serde(default)]
    pub path: PathBuf,
    /// The character between two fields; by default the most frequent of `,` `;` tab in the
    /// first line.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// The column that holds the time; by default the first one.
    #[serde(default)]
    pub time_column: Option<String>,
    /// `rfc3339`, `unix_s`, `unix_ms`, `unix_us`, or a pattern such as `%Y-%m-%d %H:%M:%S`;
    /// by default it is found out from the first row.
    #[serde(default)]
    pub time_format: Option<String>,
    /// Replay speed: a factor of real time, or 0 for as fast as possible.
    #[serde(default = "real_time")]
    pub speed: f64,
}

fn real_time() -> f64 {
    1.0
}

/// Topics of a broker, which may be another one than the control room's.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttSource {
    /// Host name or address of the broker.
    pub host: String,
    /// Port of the broker.
    #[serde(default = "mqtt_port")]
    pub port: u16,
    /// Client id; by default `lineside-source-<device>`.
    #[serde(default)]
    pub client_id: Option<String>,
    /// User name.
    #[serde(default)]
    pub username: Option<String>,
    /// Password. Better: `password_file`.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<String>,
    /// File whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// TLS; absent means a plain connection.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// The topic of channels that name none of their own, `+` and `#` allowed.
    #[serde(default)]
    pub topic: Option<String>,
    /// Where the time stands in a JSON payload; absent means time of arrival.
    #[serde(default)]
    pub time_path: Option<String>,
    /// As for `csv`; by default it is found out from each payload.
    #[serde(default)]
    pub time_format: Option<String>,
}

fn mqtt_port() -> u16 {
    1883
}

// Written by hand so that no log line can show the password.
impl std::fmt::Debug for MqttSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttSource")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

/// The channels of the simulated pump station.
pub const SIMULATED_CHANNELS: [&str; 8] = [
    "motor_current",
    "pressure_in",
    "pressure_out",
    "flow",
    "temperature_bearing",
    "temperature_fluid",
    "vibration_drive",
    "vibration_free",
];

/// A simulated pump station with eight channels: `motor_current`, `pressure_in`,
/// `pressure_out`, `flow`, `temperature_bearing`, `temperature_fluid`, `vibration_drive`,
/// `vibration_free`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateSource {
    /// The same seed gives the same samples.
    #[serde(default = "seed")]
    pub seed: u64,
    /// A factor of real time, or 0 for as fast as possible.
    #[serde(default = "real_time")]
    pub speed: f64,
    /// Ends after this much simulated time; absent means never.
    #[serde(default)]
    pub duration: Option<Span>,
    /// What goes wrong, and when.
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultConfig>,
}

fn seed() -> u64 {
    1
}

/// A scripted fault.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultConfig {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When it begins, from the start of the simulation.
    pub at: Span,
    /// How long it takes to reach its full extent; 0 is at once.
    #[serde(default)]
    pub ramp: Option<Span>,
    /// How long it lasts in all; absent means to the end.
    #[serde(default)]
    pub duration: Option<Span>,
    /// Its full extent, 0 to 1.
    #[serde(default = "full")]
    pub severity: f64,
    /// The channel of a sensor fault.
    #[serde(default)]
    pub channel: Option<String>,
}

fn full() -> f64 {
    1.0
}

/// What can go wrong in the simulated pump station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The valve before the pump closes.
    InletValveClosing,
    /// The valve behind the pump closes.
    OutletValveClosing,
    /// Vapour bubbles collapse in the pump.
    Cavitation,
    /// A bearing wears out.
    BearingWear,
    /// The rotor is out of balance.
    Imbalance,
    /// Fluid leaves behind the pump.
    Leak,
    /// A sensor repeats its last value.
    SensorStuck,
    /// A sensor delivers nothing.
    SensorDropout,
}
