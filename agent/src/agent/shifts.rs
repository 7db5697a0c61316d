//! When shifts end: times of day, in the gateway's time zone.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Moment, Zoned};

use crate::time::Timestamp;

/// When shifts end, and when the last one did.
#[derive(Clone, Debug)]
pub struct Shifts {
    /// Times of day, in rising order.
    at: Vec<Time>,
    zone: TimeZone,
    /// The end of the last shift, and of the one that runs.
    running: Option<(Timestamp, Timestamp)>,
}

impl Shifts {
    /// Shifts that end at these times of day; none where there is none.
    #[must_use]
    pub fn new(mut at: Vec<Time>, zone: TimeZone) -> Self {
        at.sort_unstable();
        at.dedup();
        Shifts { at, zone, running: None }
    }

    /// The shift that has ended by `now`, from its beginning to its end; `None` while one runs. A
    /// shift that ended while the agent was off, or that a clock was set over, is left out.
    pub fn ended(&mut self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, to) = match self.running {
            Some(running) => running,
            None => *self.running.insert(self.around(now)?),
        };
        let runs = from <= now && now < to;
        if runs {
            return None;
        }
        let next = self.around(now)?;
        self.running = Some(next);
        // The one that has just ended is the one before the next.
        (to == next.0).then_some((from, to))
    }

    /// The end of the shift before `now`, and the end of the one that runs at `now`.
    fn around(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let here = Moment::from_microsecond(now.as_micros()).ok()?.to_zoned(self.zone.clone());
        let ends = |days: i64| {
            let day = here.date().checked_add(Span::new().days(days)).ok();
            self.at.iter().filter_map(move |time| day?.to_datetime(*time).to_zoned(self.zone.clone()).ok())
        };
        let ends: Vec<Zoned> = (-1..=1).flat_map(ends).collect();
        let before = ends.iter().rfind(|end| **end <= here)?;
        let after = ends.iter().find(|end| **end > here)?;
        let micros = |end: &Zoned| Timestamp::from_micros(end.timestamp().as_microsecond());
        Some((micros(before), micros(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [Time; 3] =
        [Time::constant(22, 0, 0, 0), Time::constant(6, 0, 0, 0), Time::constant(14, 0, 0, 0)];

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<Moment>().unwrap().as_microsecond())
    }

    #[test]
    fn a_shift_is_reported_once_when_it_has_ended() {
        let mut shifts = Shifts::new(TIMES.to_vec(), berlin());
        assert_eq!(shifts.ended(at("2026-11-21T11:00:00Z")), None, "it runs");
        assert_eq!(shifts.ended(at("2026-11-21T12:59:59.999Z")), None);
        let ended = shifts.ended(at("2026-11-21T13:00:00Z"));
        assert_eq!(ended, Some((at("2026-11-21T05:00:00Z"), at("2026-11-21T13:00:00Z"))));
        assert_eq!(shifts.ended(at("2026-11-21T13:00:01Z")), None, "told already");
        let night = (at("2026-11-21T21:00:00Z"), at("2026-11-22T05:00:00Z"));
        assert!(shifts.ended(at("2026-11-21T21:00:00Z")).is_some());
        assert_eq!(shifts.ended(at("2026-11-22T05:00:30Z")), Some(night));
    }

    #[test]
    fn a_shift_is_an_hour_longer_when_the_clocks_go_back() {
        let mut shifts = Shifts::new(TIMES.to_vec(), berlin());
        assert_eq!(shifts.ended(at("2026-10-24T21:00:00Z")), None);
        let ended = shifts.ended(at("2026-10-25T05:00:00Z"));
        assert_eq!(ended, Some((at("2026-10-24T20:00:00Z"), at("2026-10-25T05:00:00Z"))));
    }

    #[test]
    fn a_shift_that_a_clock_was_set_over_is_left_out() {
        let mut shifts = Shifts::new(TIMES.to_vec(), TimeZone::UTC);
        assert_eq!(shifts.ended(at("1970-01-02T00:00:00Z")), None, "a board without a clock starts");
        assert_eq!(shifts.ended(at("2026-11-21T11:00:00Z")), None, "and is set");
        assert!(shifts.ended(at("2026-11-21T14:00:00Z")).is_some());
    }

    #[test]
    fn without_times_there_are_no_shifts() {
        let mut shifts = Shifts::new(Vec::new(), TimeZone::UTC);
        assert_eq!(shifts.ended(at("2026-11-21T14:00:00Z")), None);
    }
}
