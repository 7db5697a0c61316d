//! Bad input is a normal day: one test per kind, named so. Each shows the outcome, the counter,
//! and that the other channel is as it would be without.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// 2020-09-13T12:26:40Z.
const START: i64 = 1_600_000_000;

/// A device with two channels at 1 Hz, two seconds of lateness, the first limited to -50..=50.
struct Device {
    aligner: Aligner,
    events: Vec<AlignEvent>,
}

fn at(second: f64) -> Timestamp {
    Timestamp::from_micros(START * 1_000_000 + (second * 1e6) as i64)
}

impl Device {
    fn new() -> Self {
        let ranges = vec![(Some(-50.0), Some(50.0)), (None, None)];
        Device { aligner: Aligner::new(SECOND, SECOND * 2, ranges), events: Vec::new() }
    }

    fn send(&mut self, channel: ChannelIx, second: f64, value: Result<f64, BadSample>) {
        let events = &mut self.events;
        self.aligner.accept(&Sample { channel, time: at(second), value }, &mut |event| events.push(event));
    }

    /// Both channels at each of these seconds; the value is the second.
    fn both(&mut self, seconds: std::ops::Range<i64>) {
        for second in seconds {
            self.send(0, second as f64, Ok(second.rem_euclid(50) as f64));
            self.send(1, second as f64, Ok(second as f64));
        }
    }

    fn advance(&mut self, second: f64) {
        let events = &mut self.events;
        self.aligner.advance(at(second), &mut |event| events.push(event));
    }

    fn end(&mut self) {
        let events = &mut self.events;
        self.aligner.flush(&mut |event| events.push(event));
    }

    /// Second and values of every frame so far.
    fn frames(&self) -> Vec<(i64, [f64; 2])> {
        let frame = |event: &AlignEvent| match event {
            AlignEvent::Frame(frame) => {
                Some((frame.time.as_millis() / 1_000 - START, [frame.values[0], frame.values[1]]))
            }
            AlignEvent::Gap { .. } => None,
        };
        self.events.iter().filter_map(frame).collect()
    }

    fn gaps(&self) -> Vec<(i64, i64)> {
        let second = |time: &Timestamp| time.as_millis() / 1_000 - START;
        let gap = |event: &AlignEvent| match event {
            AlignEvent::Gap { from, to } => Some((second(from), second(to))),
            AlignEvent::Frame(_) => None,
        };
        self.events.iter().filter_map(gap).collect()
    }

    fn rejected(&self, channel: ChannelIx, reason: BadSample) -> u64 {
        self.aligner.counts().rejected[channel][reason as usize]
    }

    /// Every second of `seconds` has a frame, in order, in which channel 1 is what was sent.
    fn other_channel_is_untouched(&self, seconds: std::ops::Range<i64>) {
        let got: Vec<_> = self.frames().iter().map(|(second, values)| (*second, values[1])).collect();
        let expected: Vec<_> = seconds.map(|second| (second, second as f64)).collect();
        assert_eq!(got, expected);
        assert_eq!(self.aligner.counts().rejected[1], [0; BadSample::ALL.len()]);
    }
}

/// Ten seconds of both channels, in which channel 0 has this at second 5 instead of its value.
fn with_a_bad_value(value: Result<f64, BadSample>) -> Device {
    let mut device = Device::new();
    device.both(0..5);
    device.send(0, 5.0, value);
    device.send(1, 5.0, Ok(5.0));
    device.both(6..10);
    device.end();
    device.other_channel_is_untouched(0..10);
    assert!(device.frames()[5].1[0].is_nan());
    assert_eq!(device.aligner.counts().accepted, [9, 10]);
    device
}

#[test]
fn a_missing_field_leaves_its_place_empty() {
    let device = with_a_bad_value(Err(BadSample::Missing));
    assert_eq!(device.rejected(0, BadSample::Missing), 1);
}

#[test]
fn nan_leaves_its_place_empty() {
    assert_eq!(with_a_bad_value(Err(BadSample::NotFinite)).rejected(0, BadSample::NotFinite), 1);
    assert_eq!(with_a_bad_value(Ok(f64::NAN)).rejected(0, BadSample::NotFinite), 1);
    assert_eq!(with_a_bad_value(Ok(f64::INFINITY)).rejected(0, BadSample::NotFinite), 1);
}

#[test]
fn text_where_a_number_should_be_leaves_its_place_empty() {
    assert_eq!(with_a_bad_value(Err(BadSample::NotANumber)).rejected(0, BadSample::NotANumber), 1);
}

#[test]
fn a_value_outside_the_physical_range_leaves_its_place_empty() {
    for value in [-50.1, 50.1] {
        assert_eq!(with_a_bad_value(Ok(value)).rejected(0, BadSample::OutOfRange), 1);
    }
}

#[test]
fn of_duplicates_the_first_stays() {
    let mut device = Device::new();
    device.both(0..10);
    device.send(0, 9.0, Ok(-7.0));
    device.end();
    device.other_channel_is_untouched(0..10);
    assert_eq!(device.frames()[9].1[0], 9.0);
    assert_eq!(device.rejected(0, BadSample::Duplicate), 1);
}

#[test]
fn samples_of_one_tick_are_averaged() {
    let mut device = Device::new();
    device.send(0, 0.1, Ok(1.0));
    device.send(0, 0.9, Ok(4.0));
    device.send(0, 0.5, Ok(1.0));
    device.end();
    assert_eq!(device.frames()[0].1[0], 2.0);
}

#[test]
fn samples_out_of_order_find_their_frame_within_the_lateness() {
    let mut device = Device::new();
    device.both(0..5);
    device.send(1, 5.0, Ok(5.0));
    device.send(1, 6.0, Ok(6.0));
    device.send(0, 6.0, Ok(6.0));
    device.send(0, 5.0, Ok(5.0));
    device.both(7..10);
    device.end();
    device.other_channel_is_untouched(0..10);
    assert_eq!(device.frames()[5].1[0], 5.0);
    assert_eq!(device.aligner.counts().total_accepted(), 20);
}

#[test]
fn a_sample_later_than_the_lateness_is_counted() {
    let mut device = Device::new();
    device.both(0..10);
    device.send(0, 4.5, Ok(-7.0));
    device.both(10..12);
    device.end();
    device.other_channel_is_untouched(0..12);
    assert_eq!(device.frames()[4].1[0], 4.0);
    assert_eq!(device.rejected(0, BadSample::TooLate), 1);
}

#[test]
fn a_lone_sample_from_the_past_is_counted() {
    let mut device = Device::new();
    device.both(0..10);
    device.send(0, -86_400.0, Ok(1.0));
    device.both(10..12);
    device.end();
    device.other_channel_is_untouched(0..12);
    assert_eq!(device.rejected(0, BadSample::ClockBack), 1);
}

#[test]
fn a_lone_sample_from_the_future_closes_no_frame() {
    // Within the gap that would be filled, and beyond it.
    for ahead in [100.0, 86_400.0] {
        let mut device = Device::new();
        device.both(0..10);
        device.send(0, ahead, Ok(1.0));
        device.both(10..12);
        device.end();
        device.other_channel_is_untouched(0..12);
        assert_eq!(device.rejected(0, BadSample::ClockAhead), 1);
    }
}

#[test]
fn a_channel_whose_clock_is_ahead_costs_the_others_nothing() {
    let mut device = Device::new();
    for second in 0..60 {
        device.send(1, second as f64, Ok(second as f64));
        device.send(0, second as f64 + 30.0, Ok(1.0));
    }
    device.end();
    device.other_channel_is_untouched(0..60);
    // The last one had nobody left to be compared with; it too is counted.
    assert_eq!(device.rejected(0, BadSample::ClockAhead), 60);
}

#[test]
fn a_channel_whose_clock_is_behind_costs_the_others_nothing() {
    let mut device = Device::new();
    for second in 0..60 {
        device.send(1, second as f64, Ok(second as f64));
        device.send(0, second as f64 - 30.0, Ok(1.0));
    }
    device.end();
    device.other_channel_is_untouched(0..60);
    assert_eq!(device.rejected(0, BadSample::TooLate), 60);
}

#[test]
fn a_clock_set_back_is_believed_after_three_ticks() {
    let mut device = Device::new();
    device.both(0..10);
    device.both(-3_600..-3_590);
    device.end();
    assert_eq!(device.gaps(), [(10, -3_600)]);
    let seconds: Vec<_> = device.frames().iter().map(|frame| frame.0).collect();
    assert_eq!(seconds, (0..10).chain(-3_600..-3_590).collect::<Vec<_>>());
    assert_eq!(device.aligner.counts().total_accepted(), 40, "nothing of either time is lost");
}

#[test]
fn a_clock_set_ahead_is_believed_after_three_ticks() {
    let mut device = Device::new();
    device.both(0..10);
    device.both(3_600..3_610);
    device.end();
    assert_eq!(device.gaps(), [(10, 3_600)]);
    let seconds: Vec<_> = device.frames().iter().map(|frame| frame.0).collect();
    assert_eq!(seconds, (0..10).chain(3_600..3_610).collect::<Vec<_>>());
    assert_eq!(device.aligner.counts().total_accepted(), 40, "nothing of either time is lost");
}

#[test]
fn a_gap_is_filled_with_empty_frames() {
    let mut device = Device::new();
    device.both(0..10);
    device.both(100..110);
    device.end();
    let frames = device.frames();
    assert_eq!(frames.iter().map(|frame| frame.0).collect::<Vec<_>>(), (0..110).collect::<Vec<_>>());
    assert!(frames[10..100].iter().all(|(_, values)| values.iter().all(|v| v.is_nan())));
    assert_eq!((device.gaps(), device.aligner.counts().total_accepted()), (Vec::new(), 40));
}

#[test]
fn a_channel_that_is_always_late_does_not_hide_a_gap() {
    let mut device = Device::new();
    for second in (0..10).chain(100..110) {
        device.send(1, second as f64, Ok(second as f64));
        device.send(0, 5.0, Ok(1.0));
    }
    device.end();
    assert_eq!(device.frames().len(), 110);
    assert_eq!(device.aligner.counts().accepted[1], 20);
}

#[test]
fn a_silent_channel_holds_nobody_up() {
    let mut device = Device::new();
    device.both(0..5);
    for second in 5..20 {
        device.send(1, second as f64, Ok(second as f64));
    }
    // Before the end of the input: all but what the lateness keeps open.
    assert_eq!(device.frames().len(), 17);
    device.end();
    device.other_channel_is_untouched(0..20);
    assert!(device.frames()[5..].iter().all(|(_, values)| values[0].is_nan()));
}

#[test]
fn a_silent_device_has_its_frames_closed_by_the_clock() {
    let mut device = Device::new();
    device.both(0..5);
    // The device's clock is an hour behind the gateway's: only what passes counts.
    for quarter in 0..80 {
        device.advance(3_600.0 + f64::from(quarter) / 4.0);
    }
    assert_eq!(device.frames().last().unwrap().0, 19);
    // It comes back: no jump, for the gateway knows how long it was silent.
    device.both(24..26);
    device.end();
    let seconds: Vec<_> = device.frames().iter().map(|frame| frame.0).collect();
    assert_eq!(seconds, (0..26).collect::<Vec<_>>());
    assert_eq!((device.gaps(), device.aligner.counts().total_accepted()), (Vec::new(), 14));
}

#[test]
fn a_wall_clock_that_is_set_closes_no_frames() {
    let mut device = Device::new();
    device.both(0..5);
    let before = device.frames().len();
    device.advance(0.0);
    // A gateway without a battery clock finds the time some minutes after its start.
    device.advance(400_000_000.0);
    device.advance(-400_000_000.0);
    assert_eq!(device.frames().len(), before);
    device.both(5..10);
    device.end();
    device.other_channel_is_untouched(0..10);
}

#[test]
fn input_without_a_usable_time_is_counted_by_channel_or_as_a_whole() {
    let mut device = Device::new();
    device.aligner.reject(None, BadSample::Malformed);
    device.aligner.reject(Some(1), BadSample::BadTimestamp);
    assert_eq!(device.aligner.counts().whole[BadSample::Malformed as usize], 1);
    assert_eq!(device.rejected(1, BadSample::BadTimestamp), 1);
    assert_eq!(device.aligner.counts().of(BadSample::BadTimestamp), 1);
}

#[test]
fn reasons_are_counted_in_the_order_of_their_list() {
    for (place, reason) in BadSample::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, place);
    }
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let jumps = prop_oneof![
        8 => 0_i64..40_000_000,
        1 => -1_000_000_000_000_i64..1_000_000_000_000,
        1 => any::<i64>(),
    ];
    (0_usize..2, jumps, -100.0_f64..100.0).prop_map(|(channel, micros, value)| Sample {
        channel,
        time: Timestamp::from_micros(micros),
        value: Ok(value),
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_counted_once_and_frames_follow_each_other(
        samples in prop::collection::vec(any_sample(), 0..200),
    ) {
        let mut device = Device::new();
        for sample in &samples {
            let events = &mut device.events;
            device.aligner.accept(sample, &mut |event| events.push(event));
        }
        device.end();
        let counts = device.aligner.counts();
        let rejected: u64 = BadSample::ALL.into_iter().map(|reason| counts.of(reason)).sum();
        prop_assert_eq!(counts.total_accepted() + rejected, samples.len() as u64);
        let mut expected = None;
        for event in &device.events {
            match event {
                AlignEvent::Frame(frame) => {
                    prop_assert!(expected.is_none_or(|expected| expected == frame.time));
                    expected = Some(frame.time.plus(SECOND));
                }
                AlignEvent::Gap { from, to } => {
                    prop_assert!(expected.is_none_or(|expected| expected == *from));
                    expected = Some(*to);
                }
            }
        }
    }
}
