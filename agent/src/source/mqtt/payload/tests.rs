use proptest::prelude::*;

use super::*;

const ARRIVED: Timestamp = Timestamp::from_millis(1_000);

fn decoder(settings: &str, channels: &[&str]) -> Decoder {
    let settings = toml::from_str(&format!("host = \"localhost\"\n{settings}")).unwrap();
    let channels: Vec<ChannelConfig> = channels.iter().map(|text| toml::from_str(text).unwrap()).collect();
    Decoder::new(&settings, &channels).unwrap()
}

/// A pump whose channels share one topic, with the time in the payload.
fn pump() -> Decoder {
    decoder(
        "topic = \"plant/pump\"\ntime_path = \"ts\"",
        &["name = \"flow\"", "name = \"pressure\"\npath = \"in.p\""],
    )
}

fn values(batch: &Batch) -> Vec<(ChannelIx, Result<f64, BadSample>)> {
    batch.samples.iter().map(|sample| (sample.channel, sample.value)).collect()
}

#[test]
fn a_json_object_gives_each_channel_its_value_at_the_payloads_time() {
    let batch =
        pump().decode("plant/pump", br#"{"ts": 1583748873500, "flow": 32, "in": {"p": 0.5}}"#, ARRIVED);
    assert_eq!(values(&batch), [(0, Ok(32.0)), (1, Ok(0.5))]);
    assert!(batch.samples.iter().all(|sample| sample.time == Timestamp::from_millis(1_583_748_873_500)));
    assert!(batch.rejected.is_empty());
}

#[test]
fn without_a_time_path_the_time_is_that_of_arrival() {
    let decoder = decoder("topic = \"t\"", &["name = \"flow\""]);
    assert_eq!(decoder.decode("t", br#"{"flow": 1}"#, ARRIVED).samples[0].time, ARRIVED);
    assert_eq!(decoder.decode("t", b"1", ARRIVED).samples[0].time, ARRIVED);
}

#[test]
fn a_bare_number_is_the_value_of_its_topics_channel() {
    let decoder = decoder(
        "topic = \"plant/+\"",
        &["name = \"flow\"", "name = \"level\"", "name = \"speed\"\ntopic = \"drive/speed\""],
    );
    assert_eq!(values(&decoder.decode("plant/level", b" 2.5\n", ARRIVED)), [(1, Ok(2.5))]);
    assert_eq!(values(&decoder.decode("drive/speed", b"+7", ARRIVED)), [(2, Ok(7.0))]);
    let unclear = decoder.decode("plant/other", b"1", ARRIVED);
    assert_eq!((unclear.samples.len(), &unclear.rejected[..]), (0, &[(None, BadSample::Malformed)][..]));
}

#[test]
fn a_bad_field_is_counted_for_its_channel_and_the_others_are_used() {
    for (field, reason) in [
        ("", BadSample::Missing),
        (r#", "flow": null"#, BadSample::Missing),
        (r#", "flow": """#, BadSample::Missing),
        (r#", "flow": "broken""#, BadSample::NotANumber),
        (r#", "flow": {"x": 1}"#, BadSample::NotANumber),
        (r#", "flow": "NaN""#, BadSample::NotFinite),
    ] {
        let payload = format!(r#"{{"ts": 0, "in": {{"p": 1.0}}{field}}}"#);
        let batch = pump().decode("plant/pump", payload.as_bytes(), ARRIVED);
        assert_eq!(values(&batch), [(0, Err(reason)), (1, Ok(1.0))], "{payload}");
    }
}

#[test]
fn states_and_quoted_numbers_are_numbers() {
    let batch = pump().decode("plant/pump", br#"{"ts": 0, "flow": true, "in": {"p": "1.5"}}"#, ARRIVED);
    assert_eq!(values(&batch), [(0, Ok(1.0)), (1, Ok(1.5))]);
}

#[test]
fn a_message_without_a_readable_time_is_counted() {
    for payload in [r#"{"flow": 1}"#, r#"{"ts": "soon", "flow": 1}"#, r#"{"ts": [], "flow": 1}"#] {
        let batch = pump().decode("plant/pump", payload.as_bytes(), ARRIVED);
        assert_eq!((batch.samples.len(), batch.rejected), (0, vec![(None, BadSample::BadTimestamp)]));
    }
}

#[test]
fn a_message_that_cannot_be_parsed_is_counted() {
    let batch = pump().decode("plant/pump", br#"{"flow": 1"#, ARRIVED);
    assert_eq!((batch.samples.len(), batch.rejected), (0, vec![(None, BadSample::Malformed)]));
    let lone = decoder("topic = \"t\"", &["name = \"flow\""]);
    assert_eq!(lone.decode("t", b"[1, 2", ARRIVED).rejected, [(Some(0), BadSample::Malformed)]);
}

#[test]
fn text_and_nan_where_a_bare_number_should_be_are_counted_for_the_channel() {
    let lone = decoder("topic = \"t\"", &["name = \"flow\""]);
    for (payload, reason) in [
        (&b"broken"[..], BadSample::NotANumber),
        (b"\xff\xfe", BadSample::NotANumber),
        (b"NaN", BadSample::NotFinite),
        (b"inf", BadSample::NotFinite),
        (b"1e999", BadSample::NotFinite),
        (b"", BadSample::Missing),
        (b"null", BadSample::Missing),
    ] {
        assert_eq!(values(&lone.decode("t", payload, ARRIVED)), [(0, Err(reason))], "{payload:?}");
    }
}

#[test]
fn a_channel_without_a_topic_is_named() {
    let settings = toml::from_str("host = \"localhost\"").unwrap();
    let channels = [toml::from_str("name = \"flow\"").unwrap()];
    let error = Decoder::new(&settings, &channels).unwrap_err().to_string();
    assert!(error.starts_with("channel.flow.topic: missing"), "{error}");
}

#[test]
fn every_topic_is_subscribed_to_once() {
    let decoder =
        decoder("topic = \"t\"", &["name = \"a\"", "name = \"b\"", "name = \"c\"\ntopic = \"s/#\""]);
    assert_eq!(decoder.filters(), ["s/#", "t"]);
}

proptest! {
    #[test]
    fn foreign_payloads_never_panic_and_never_give_an_unusable_number(
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let batch = pump().decode("plant/pump", &payload, ARRIVED);
        prop_assert!(!batch.samples.is_empty() || !batch.rejected.is_empty());
        prop_assert!(batch.samples.iter().all(|s| s.value.is_err() || s.value.is_ok_and(f64::is_finite)));
    }

    #[test]
    fn foreign_json_never_panics(
        payload in "\\{(\"(ts|flow|in|p|x)\":(-?[0-9]{1,400}(e[0-9]{1,4})?|null|true|\"[^\"\\\\]{0,9}\"|\\[\\]|\\{\"p\":1\\}),?){0,4}\\}",
    ) {
        let batch = pump().decode("plant/pump", payload.as_bytes(), ARRIVED);
        prop_assert!(!batch.samples.is_empty() || !batch.rejected.is_empty());
        prop_assert!(batch.samples.iter().all(|s| s.value.is_err() || s.value.is_ok_and(f64::is_finite)));
    }
}
