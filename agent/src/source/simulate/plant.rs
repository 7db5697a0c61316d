//! The station itself: a centrifugal pump between two valves, solved anew at each tick.
//!
//! Head of the pump `H0·s² − A·Q²` (s: relative speed) meets the system's `p_out − p_in`, with
//! `p_in = SUPPLY − R_IN·Q²` and `p_out = STATIC + R_OUT·Q²`. At nominal speed that is 50 m³/h
//! from 1 bar to 5 bar at 12 A.

use rand::Rng;
use rand_distr::{Distribution, Exp, StandardNormal, Uniform};

use super::QUANTITIES;
use super::faults::Condition;

/// Head of the pump at no flow and nominal speed, bar.
const HEAD: f64 = 6.0;
/// Fall of the head with the square of the flow, bar/(m³/h)².
const HEAD_FALL: f64 = 0.000_8;
/// Pressure of the supply, bar.
const SUPPLY: f64 = 1.5;
/// Static pressure behind the station, bar.
const STATIC: f64 = 2.0;
/// Resistance of the inlet with its valve open, bar/(m³/h)².
const INLET: f64 = 0.000_2;
/// Resistance of the outlet with its valve open, bar/(m³/h)².
const OUTLET: f64 = 0.001_2;
/// How much of its area a fully faulty inlet valve, outlet valve takes away.
const INLET_CLOSES: f64 = 0.45;
const OUTLET_CLOSES: f64 = 0.7;
/// How much a full leak opens the way out.
const LEAK_OPENS: f64 = 0.35;
/// Motor current at no load, A, and per hydraulic power, A/(bar·m³/h).
const IDLE_CURRENT: f64 = 5.0;
const LOAD_CURRENT: f64 = 0.035;
/// Inlet pressure below which the pump cavitates by itself, bar, and how fast it sets in.
const CAVITATES_BELOW: f64 = 0.4;
const CAVITATES_PER_BAR: f64 = 3.0;
/// Mean time between two operating points, s, and the speeds that they are drawn from.
const OPERATING_POINT: f64 = 240.0;
const SPEEDS: (f64, f64) = (0.97, 1.03);
/// Time constants: speed of the drive, bearing and fluid temperature, slow drift of the supply, s.
const DRIVE: f64 = 15.0;
const BEARING: f64 = 600.0;
const FLUID: f64 = 3_600.0;
const DRIFT: f64 = 1_800.0;
/// Standard deviations of the drift of the supply, bar, and of the fluid's temperature, °C.
const SUPPLY_DRIFT: f64 = 0.01;
const FLUID_DRIFT: f64 = 0.6;
/// Temperatures at nominal load, °C, and the bearing's rise with load and with full wear.
const FLUID_MEAN: f64 = 18.0;
const BEARING_ABOVE_FLUID: f64 = 24.0;
const BEARING_PER_LOAD: f64 = 10.0;
const BEARING_WORN: f64 = 18.0;

/// What the station does at a tick, in the order of the simulated channels.
pub type State = [f64; QUANTITIES];

/// The station.
#[derive(Debug)]
pub struct Plant {
    speed: f64,
    wanted_speed: f64,
    until_change: f64,
    supply: f64,
    fluid: f64,
    bearing: f64,
}

impl Default for Plant {
    fn default() -> Self {
        Plant {
            speed: 1.0,
            wanted_speed: 1.0,
            until_change: OPERATING_POINT,
            supply: 0.0,
            fluid: 0.0,
            bearing: FLUID_MEAN + BEARING_ABOVE_FLUID,
        }
    }
}

impl Plant {
    /// Brings the station forward by `dt` seconds.
    pub fn advance(&mut self, dt: f64, condition: &Condition, random: &mut impl Rng) -> State {
        self.operate(dt, random);
        self.supply = drift(self.supply, SUPPLY_DRIFT, DRIFT, dt, random);
        self.fluid = drift(self.fluid, FLUID_DRIFT, FLUID, dt, random);

        let inlet = INLET / (1.0 - INLET_CLOSES * condition.inlet_closed).powi(2);
        let outlet = OUTLET
            / (1.0 - OUTLET_CLOSES * condition.outlet_closed).powi(2)
            / (1.0 + LEAK_OPENS * condition.leak).powi(2);
        let supply = SUPPLY + self.supply;
        let driving = HEAD * self.speed.powi(2) + supply - STATIC;
        let mut flow = (driving.max(0.0) / (HEAD_FALL + inlet + outlet)).sqrt();
        let pressure_in = supply - inlet * flow * flow;
        let cavitation = ((CAVITATES_BELOW - pressure_in) * CAVITATES_PER_BAR).clamp(0.0, 1.0);
        let cavitation = cavitation.max(condition.cavitation);
        // Vapour takes the place of fluid, unsteadily.
        let unrest: f64 = StandardNormal.sample(random);
        flow *= 1.0 - 0.06 * cavitation + 0.03 * cavitation * unrest;
        let pressure_out = STATIC + outlet * flow * flow;
        let head = (pressure_out - pressure_in).max(0.0);
        let current = IDLE_CURRENT * self.speed.powi(3) + LOAD_CURRENT * flow * head;

        let load = flow * head / 200.0;
        let fluid = FLUID_MEAN + self.fluid;
        let target = fluid
            + BEARING_ABOVE_FLUID
            + BEARING_PER_LOAD * (load - 1.0)
            + BEARING_WORN * condition.bearing_wear;
        self.bearing += (target - self.bearing) * (1.0 - (-dt / BEARING).exp());

        let turning = self.speed.powi(2);
        let drive = 1.8 * turning
            + 1.6 * condition.bearing_wear
            + 2.4 * condition.imbalance * turning
            + 1.1 * cavitation;
        let free = 1.4 * turning + 1.7 * condition.imbalance * turning + 0.9 * cavitation;
        [current, pressure_in, pressure_out, flow, self.bearing, fluid, drive, free]
    }

    /// Another operating point now and then; the drive follows it at its own pace.
    fn operate(&mut self, dt: f64, random: &mut impl Rng) {
        self.until_change -= dt;
        if self.until_change <= 0.0 {
            let wait = Exp::new(1.0 / OPERATING_POINT).map_or(OPERATING_POINT, |wait| wait.sample(random));
            self.until_change = wait;
            let speed = Uniform::new(SPEEDS.0, SPEEDS.1).map_or(1.0, |speed| speed.sample(random));
            self.wanted_speed = speed;
        }
        self.speed += (self.wanted_speed - self.speed) * (1.0 - (-dt / DRIVE).exp());
    }
}

/// One step of an Ornstein-Uhlenbeck process around 0 with standard deviation `sd`.
fn drift(value: f64, sd: f64, memory: f64, dt: f64, random: &mut impl Rng) -> f64 {
    let keep = (-dt / memory).exp();
    let noise: f64 = StandardNormal.sample(random);
    value * keep + sd * (1.0 - keep * keep).sqrt() * noise
}
