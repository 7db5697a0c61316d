use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::keys::Signer;
use crate::tuf::root::Keys;

fn key(number: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[number; 32])
}

fn now() -> jiff::Timestamp {
    "2026-11-21T12:00:00.75Z".parse().unwrap()
}

fn root() -> Root {
    let mut root = Root::first(now());
    root.assign("root", &[key(1).public(), key(2).public()], 2);
    root
}

#[test]
fn a_key_has_the_id_that_securesystemslib_gives_it() {
    // RFC 8032, 7.1, test 1; python3, securesystemslib 1.6: sha256(encode_canonical({…})).
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let id = "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916";
    assert_eq!(PublicKey::from_hex(public).unwrap().id().as_str(), id);
}

#[test]
fn a_key_of_small_order_is_refused() {
    assert!(PublicKey::from_bytes(&[0; 32]).is_err());
    assert!(PublicKey::from_hex(&format!("01{}", "0".repeat(62))).is_err());
    assert!(PublicKey::from_hex("d75a").is_err());
}

#[test]
fn a_public_key_goes_through_pem_and_back() {
    let public = key(1).public();
    assert_eq!(PublicKey::from_pem(&public.to_pem()).unwrap(), public);
}

#[test]
fn signatures_count_once_for_each_key_and_only_when_they_are_valid() {
    let mut envelope = Envelope::unsigned(root());
    let role = envelope.signed.role("root");
    let keys = envelope.signed.keys.clone();
    let count = |envelope: &Envelope<Root>| envelope.valid(&keys, &role).unwrap().len();
    assert_eq!(count(&envelope), 0);
    envelope.sign(&key(1)).unwrap();
    envelope.sign(&key(1)).unwrap();
    envelope.sign(&key(3)).unwrap();
    assert_eq!((count(&envelope), envelope.signatures.len()), (1, 2));
    assert!(!envelope.meets(&keys, &role).unwrap());
    envelope.sign(&key(2)).unwrap();
    assert!(envelope.meets(&keys, &role).unwrap());
    envelope.signed.version += 1;
    assert_eq!(count(&envelope), 0);
}

#[test]
fn row_05_one_key_under_two_ids_counts_once() {
    let mut envelope = Envelope::unsigned(root());
    envelope.sign(&key(1)).unwrap();
    let other = KeyId::of(b"any other id");
    let again = Signature { keyid: other.clone(), ..envelope.signatures[0].clone() };
    envelope.signatures.push(again);
    let keys = Keys::from([key(1).public().id(), other.clone()].map(|id| (id, TufKey::of(&key(1).public()))));
    let role = RoleKeys { keyids: vec![key(1).public().id(), other], threshold: 2 };
    assert!(!envelope.meets(&keys, &role).unwrap());
}

#[test]
fn a_threshold_of_none_is_never_met() {
    let envelope = Envelope::unsigned(root());
    assert!(!envelope.meets(&Keys::new(), &RoleKeys::default()).unwrap());
}

#[test]
fn metadata_is_read_as_it_was_written_and_times_have_whole_seconds() {
    let mut envelope = Envelope::unsigned(root());
    envelope.sign(&key(1)).unwrap();
    let bytes = envelope.to_bytes().unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("\"expires\":\"2026-11-21T12:00:00Z\""));
    assert_eq!(Envelope::<Root>::parse(&bytes).unwrap(), envelope);
}

#[test]
fn metadata_is_read_strictly() {
    let mut targets = Targets::first(now());
    targets.targets.insert("a/b".into(), TargetFile::of(b"c"));
    let text = String::from_utf8(Envelope::unsigned(targets).to_bytes().unwrap()).unwrap();
    Envelope::<Targets>::parse(text.as_bytes()).unwrap();
    let entry = text.split("\"targets\":{").nth(1).unwrap().split_once("}}").unwrap().0.to_owned() + "}}";
    for (from, to, says) in [
        ("\"version\":1", "\"version\":1,\"more\":1", "more"),
        ("\"version\":1", "\"version\":1,\"version\":2", "duplicate"),
        ("\"version\":1", "\"version\":1.5", "version"),
        ("\"version\":1", "\"version\":-1", "version"),
        ("\"_type\":\"targets\"", "\"_type\":\"root\"", "_type"),
        ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00.5Z", "2026"),
        ("2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", "2026"),
        ("\"targets\":{", &format!("\"targets\":{{{entry},"), "twice"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let error = Envelope::<Targets>::parse(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
    assert!(Envelope::<Targets>::parse(format!("{text}x").as_bytes()).is_err());
}

#[test]
fn canonical_json_has_no_floats() {
    assert!(canonical::to_vec(&json!({"a": 1.0})).is_err());
    assert_eq!(
        canonical::to_vec(&json!({"b": [1, -2], "a\"\n": null})).unwrap(),
        b"{\"a\\\"\n\":null,\"b\":[1,-2]}"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\\\\"\u{0}-\u{1f}é🦀]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_bytes_that_are_signed_are_those_that_devices_verify(value in any_json()) {
        let theirs = sigstore_tuf::canonical_json::to_canonical_bytes(&value).unwrap();
        prop_assert_eq!(canonical::to_vec(&value).unwrap(), theirs);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Envelope::<Root>::parse(&bytes).is_err());
    }

    #[test]
    fn no_damage_to_metadata_makes_the_reader_panic(at in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = Envelope::unsigned(root()).to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Envelope::<Root>::parse(&bytes);
    }
}
