use std::sync::LazyLock;

use proptest::prelude::*;

use super::fixtures::*;
use super::*;
use crate::incident::{ChannelEvidence, Shape};

fn judge(
    diagnosis: &Diagnosis,
    kind: Option<&str>,
    channels: Vec<ChannelEvidence>,
    notes: &[&str],
) -> Judgement {
    let notes: Vec<String> = notes.iter().map(|&note| note.to_owned()).collect();
    let names = names(&channels);
    diagnosis.judge(kind, &names, &evidence(channels), &notes).unwrap()
}

#[test]
fn a_blocked_outlet_is_told_with_cause_check_and_what_carried_it() {
    let judgement = judge(&diagnosis(None), Some("feed pump"), blocked(), &[]);
    assert_eq!(judgement.label.as_deref(), Some("outlet_blocked"), "{judgement:?}");
    let finding = judgement.finding.unwrap();
    assert_eq!(finding.cause, "a blocked or throttled outlet");
    assert!(!finding.check.is_empty() && !finding.benign);
    assert_eq!((judgement.second, judgement.unexplained), (None, vec![]));
    assert!(
        judgement.because.iter().any(|(reason, _)| *reason == Reason::Channel(0)),
        "{:?}",
        judgement.because
    );
}

#[test]
fn names_in_another_language_change_nothing_and_neither_does_their_order() {
    let diagnosis = diagnosis(None);
    let plain = judge(&diagnosis, Some("pump"), blocked(), &[]);
    let german =
        ["Druckseite_Druck", "Durchfluss", "Motorstrom", "Saugdruck", "Lagertemperatur", "Schwingung"];
    let mut renamed = blocked();
    for (channel, name) in renamed.iter_mut().zip(german) {
        channel.name = name.into();
    }
    renamed.reverse();
    let renamed = judge(&diagnosis, Some("Kreiselpumpe"), renamed, &[]);
    assert_eq!(renamed.label, plain.label);
    assert!(
        (renamed.confidence - plain.confidence).abs() < 0.05,
        "{} {}",
        renamed.confidence,
        plain.confidence
    );
}

#[test]
fn a_channel_that_the_cause_does_not_explain_is_named() {
    let mut channels = blocked();
    channels[4] = moves("bearing_temp", "°C", Shape::Oscillation, 4.0, 4);
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!(judgement.label.as_deref(), Some("outlet_blocked"), "{judgement:?}");
    assert_eq!(judgement.unexplained, [4], "{judgement:?}");
}

#[test]
fn a_second_fault_explains_what_the_first_leaves_over() {
    let mut channels = blocked();
    channels.push(moves("seal_pot_level", "%", Shape::Ramp, -9.0, 4));
    channels.push(moves("seal_temp", "°C", Shape::Ramp, 5.0, 5));
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!(judgement.label.as_deref(), Some("outlet_blocked"), "{judgement:?}");
    assert_eq!(judgement.second.as_ref().map(|second| &second.mode[..]), Some("seal_leak"));
    let chance = |mode: &str| judgement.scores.iter().find(|(id, _)| id == mode).unwrap().1;
    let both = chance("outlet_blocked") + chance("seal_leak");
    assert!((judgement.confidence - both).abs() < 1e-5, "{judgement:?}");
    assert_eq!(judgement.unexplained, [0_usize; 0]);
}

#[test]
fn a_machine_that_stands_is_no_machine_with_stuck_sensors() {
    let stands = |name, unit, shape| moves(name, unit, shape, -48.0, 1);
    let channels = vec![
        stands("speed", "rpm", Shape::Stuck),
        stands("motor_current", "A", Shape::Step),
        stands("vibration", "mm/s", Shape::Stuck),
        stands("flow", "m3/h", Shape::Stuck),
        steady("bearing_temp", "°C"),
        steady("suction_pressure", "bar"),
    ];
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!(judgement.label.as_deref(), Some("stopped"), "{judgement:?}");
    assert!(judgement.finding.unwrap().benign && judgement.unexplained.is_empty());
    let mut channels = blocked();
    channels[0] = moves("discharge_pressure", "bar", Shape::Stuck, 0.3, 1);
    channels[1] = steady("flow", "m3/h");
    channels[2] = steady("motor_current", "A");
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!(judgement.label.as_deref(), Some("sensor_stuck"), "{judgement:?}");
}

#[test]
fn a_machine_that_hardly_moves_by_itself_shows_the_same_fault_in_more_of_its_standard_deviations() {
    let mut channels = blocked();
    for channel in &mut channels[..3] {
        channel.deviation_sd = channel.deviation_sd.map(|sd| sd * 5.0);
    }
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!(judgement.label.as_deref(), Some("outlet_blocked"), "{judgement:?}");
    assert!(judgement.confidence > 0.8, "{judgement:?}");
}

#[test]
fn movements_that_no_mode_has_are_unknown() {
    let channels = vec![
        moves("discharge_pressure", "bar", Shape::Oscillation, 9.0, 3),
        moves("flow", "m3/h", Shape::Ramp, 9.0, 4),
        moves("motor_current", "A", Shape::Ramp, -12.0, 1),
        moves("suction_pressure", "bar", Shape::Step, 8.0, 2),
        moves("bearing_temp", "°C", Shape::Step, -9.0, 5),
        steady("vibration", "mm/s"),
    ];
    let judgement = judge(&diagnosis(None), Some("pump"), channels, &[]);
    assert_eq!((judgement.label.as_deref(), &judgement.scores[0].0[..]), (None, UNKNOWN), "{judgement:?}");
    assert_eq!((judgement.finding, judgement.second), (None, None));
}

#[test]
fn a_mode_that_a_site_adds_is_recognised_without_training() {
    let site = r#"
        version = 1
        [[machine]]
        id = "crane"
        words = ["crane", "hoist"]
        channels = ["current", "weight", "speed", "position", "force"]
        [[mode]]
        id = "crane_rope_worn"
        machines = ["crane"]
        cause = "a worn rope"
        check = "the rope and its sheaves"
        effects = [
          ["weight", "swing", "clear", 1, "", 0.95],
          ["force", "spikes", "strong", 1, "", 0.95],
          ["position", "down", "clear", 2, "ramp", 0.9],
        ]
    "#;
    let channels = || {
        vec![
            moves("hoist_load", "kg", Shape::Oscillation, 4.0, 1),
            moves("rope_force", "kN", Shape::Spike, 8.0, 2),
            moves("hook_position", "mm", Shape::Ramp, -4.5, 3),
            steady("motor_current", "A"),
            steady("speed", "rpm"),
        ]
    };
    let with = judge(&diagnosis(Some(site)), Some("overhead crane"), channels(), &[]);
    assert_eq!(with.label.as_deref(), Some("crane_rope_worn"), "{with:?}");
    let without = judge(&diagnosis(None), Some("overhead crane"), channels(), &[]);
    assert_eq!(without.label, None, "{without:?}");
}

#[test]
fn a_note_raises_a_mode_and_never_sinks_what_the_evidence_says_clearly() {
    let diagnosis = diagnosis(None);
    let bare = judge(&diagnosis, Some("pump"), blocked(), &[]);
    for note in ["worn bearing, very noisy", "belt slips", "the speed was raised on purpose", "CIP running"] {
        let noted = judge(&diagnosis, Some("pump"), blocked(), &[note]);
        assert_eq!(noted.label, bare.label, "{note}");
        assert!(
            noted.confidence >= bare.confidence - 1e-6,
            "{note}: {} {}",
            noted.confidence,
            bare.confidence
        );
    }
    // What the evidence leaves open a note about something else does not turn into "none of these".
    let open = || {
        let mut channels = blocked();
        channels.truncate(1);
        channels
    };
    let bare = judge(&diagnosis, None, open(), &[]);
    for note in ["worn bearing, very noisy", "heater band open circuit", "tool broken"] {
        let noted = judge(&diagnosis, None, open(), &[note]);
        assert!(bare.scores[0].0 == UNKNOWN || noted.scores[0].0 != UNKNOWN, "{note}: {bare:?} {noted:?}");
    }
    let shaken = || {
        vec![moves("vibration", "mm/s", Shape::Ramp, 9.0, 1), steady("flow", "m3/h"), steady("current", "A")]
    };
    let chance = |judgement: Judgement| judgement.scores.iter().find(|(id, _)| id == "imbalance").unwrap().1;
    let bare = chance(judge(&diagnosis, Some("pump"), shaken(), &[]));
    let noted =
        chance(judge(&diagnosis, Some("pump"), shaken(), &["rotor out of balance, balance weight lost"]));
    assert!(noted > bare, "{noted} {bare}");
}

#[test]
fn settings_that_cannot_be_are_named() {
    let files = [TableFile { name: "signatures.toml", text: SIGNATURES }];
    for (settings, key) in [
        (Settings { temperature: 0.0, ..SETTINGS }, "temperature"),
        (Settings { abstain_below: 1.5, ..SETTINGS }, "abstain_below"),
        (Settings { second_above: f32::NAN, ..SETTINGS }, "second_above"),
    ] {
        let error = Diagnosis::open(&files, &[], settings).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    let error = Diagnosis::open(&files, b"no model", SETTINGS).unwrap_err().to_string();
    assert!(error.starts_with("the scorer: "), "{error}");
    let other = include_bytes!("../../../models/catalog/detector/model.onnx");
    let error = Diagnosis::open(&files, other, SETTINGS).unwrap_err().to_string();
    assert!(error.contains("rows of 36 figures, not 54") && error.contains("made for this agent"), "{error}");
}

fn any_channel() -> impl Strategy<Value = ChannelEvidence> {
    let names = [
        "discharge pressure",
        "flow",
        "motor current",
        "oil temp",
        "vibration",
        "PT-101",
        "x",
        "level",
        "Drehzahl",
    ];
    let units = ["bar", "m3/h", "A", "°C", "mm/s", "", "%", "rpm"];
    let shapes = [Shape::Step, Shape::Ramp, Shape::Spike, Shape::Oscillation, Shape::Stuck, Shape::Dropout];
    let name = prop::sample::select(names.to_vec());
    let parts =
        (name, prop::sample::select(units.to_vec()), prop::sample::select(shapes.to_vec()), -40.0..40.0_f64);
    (parts, 1_u32..8, any::<bool>()).prop_map(|((name, unit, shape, sd), order, deviates)| {
        if deviates { moves(name, unit, shape, sd, order) } else { steady(name, unit) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_judgement_never_contradicts_itself(
        channels in prop::collection::vec(any_channel(), 0..7),
        kind in prop::option::of(prop::sample::select(&["pump", "fan", "thing"][..])),
        note in prop::option::of("[a-z ]{0,40}"),
    ) {
        let deviates: Vec<bool> = channels.iter().map(|channel| channel.deviates).collect();
        let note: Vec<&str> = note.as_deref().into_iter().collect();
        static DIAGNOSIS: LazyLock<Diagnosis> = LazyLock::new(|| diagnosis(None));
        let judgement = judge(&DIAGNOSIS, kind, channels, &note);
        let sum: f32 = judgement.scores.iter().map(|(_, probability)| probability).sum();
        prop_assert!((sum - 1.0).abs() < 1e-3);
        prop_assert!(judgement.scores.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        prop_assert!((judgement.scores[0].1..1.001).contains(&judgement.confidence));
        if judgement.second.is_none() && judgement.label.is_some() {
            prop_assert_eq!(judgement.confidence, judgement.scores[0].1);
        }
        prop_assert_eq!(judgement.label.is_some(), judgement.finding.is_some());
        prop_assert!(judgement.unexplained.iter().all(|&channel| deviates[channel]));
        prop_assert!(judgement.unexplained.windows(2).all(|pair| pair[0] < pair[1]));
        if judgement.label.is_none() {
            prop_assert!(judgement.second.is_none() && judgement.unexplained.is_empty());
        }
        prop_assert!(judgement.because.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        for (reason, loss) in &judgement.because {
            prop_assert!(*loss > 0.0 && *loss <= judgement.confidence);
            let open = match reason { Reason::Channel(channel) => deviates[*channel], Reason::Notes => !note.is_empty() };
            prop_assert!(open);
        }
    }
}
