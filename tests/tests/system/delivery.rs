//! What a broker may do, and what becomes of the records then.

use lineside::config::{MqttConfig, ProtocolVersion};
use lineside::outbox::{Eviction, Record};
use serde_json::json;
use system_tests::certificates::Authority;
use system_tests::control_room::ControlRoom;
use system_tests::gateway::{self, DATA, Gateway, STATUS};
use system_tests::mosquitto::Mosquitto;
use system_tests::wait;

#[test]
fn a_broker_with_a_wrong_certificate_is_refused() {
    let Some(broker) = Mosquitto::tls("") else { return };
    let stranger = tempfile::tempdir().unwrap();
    let Some(authority) = Authority::create(stranger.path()) else { return };
    let mut tls = broker.authority.as_ref().unwrap().client("gateway");
    tls.ca_file = authority.ca_file();

    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, Some(tls)));
    gateway.outbox.append(gateway::record(1));
    gateway.outbox.flush();
    wait::until("two attempts to fail", || gateway.stats().attempts > 2);
    let stats = gateway.stats();
    let error = stats.last_error.unwrap();
    assert!(error.contains("TLS") && error.contains("certificate"), "{error}");
    assert_eq!((stats.connections, stats.acknowledged), (0, 0));
    assert_eq!(gateway.outbox.stats().depth, 1, "the record waits");
    gateway.shutdown();
}

#[test]
fn denied_publish_stays_in_the_outbox() {
    a_denied_record_waits_and_the_rest_passes("");
}

/// mosquitto 2.0 hangs up after each denied publication when its queue is not limited.
#[test]
fn a_broker_that_hangs_up_on_a_denied_publish_gets_the_rest() {
    a_denied_record_waits_and_the_rest_passes("max_queued_messages 0\n");
}

fn a_denied_record_waits_and_the_rest_passes(settings: &str) {
    const DENIED: &str = "lineside/v1/test/gateway/data/secret";
    let rules = tempfile::tempdir().unwrap();
    let acl = rules.path().join("acl");
    let room_rules = "user control-room\ntopic readwrite #\nuser gateway\n";
    std::fs::write(&acl, format!("{room_rules}topic write {DATA}\ntopic write {STATUS}\n")).unwrap();
    let Some(broker) = Mosquitto::tls(&format!("acl_file {}\n{settings}", acl.display())) else { return };
    let authority = broker.authority.as_ref().unwrap();
    let (ours, theirs) = (authority.client("gateway"), authority.client("control-room"));
    let room = ControlRoom::open(broker.port, Some(&theirs));

    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, Some(ours)));
    gateway.outbox.append(Record { topic: DENIED.into(), ..gateway::record(1) });
    gateway.outbox.append(gateway::record(2));
    gateway.outbox.flush();
    wait::until("the other record to arrive", || room.times(1, 2) > 0);
    wait::until("the refusal to be counted more than once", || gateway.stats().refused > 1);
    if settings.is_empty() {
        let stats = gateway.stats();
        let error = stats.last_error.unwrap();
        assert!(error.contains(DENIED) && error.contains("access rules"), "{error}");
        assert_eq!(stats.connections, 1, "a refusal costs no connection");
    }
    // It has arrived before the gateway hears so; a broker that hangs up says it on a later connection.
    wait::until("the other record to be acknowledged", || gateway.outbox.stats().depth < 2);
    assert_eq!(gateway.outbox.stats().depth, 1, "the denied record waits");
    assert_eq!(room.times(1, 1), 0);

    std::fs::write(&acl, format!("{room_rules}topic write #\n")).unwrap();
    broker.reload();
    wait::until("the record to arrive once it is allowed", || room.times(1, 1) > 0);
    wait::until("the outbox to be empty", || gateway.outbox.stats().depth == 0);
    gateway.shutdown();
}

#[test]
fn last_will_says_offline() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let (online, offline) = (json!({"state": "online"}), json!({"state": "offline"}));
    let folder = tempfile::tempdir().unwrap();

    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, None));
    wait::until("the gateway to be online", || room.on(STATUS) == [online.clone()]);
    gateway.vanish();
    wait::until("the will to be published", || room.on(STATUS) == [online.clone(), offline.clone()]);

    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, None));
    wait::until("the gateway to be online again", || room.on(STATUS).last() == Some(&online));
    gateway.shutdown();
    wait::until("the farewell to be published", || room.on(STATUS).last() == Some(&offline));
    assert_eq!(room.on(STATUS).len(), 4, "a farewell needs no will");
}

#[test]
fn oversized_record_is_set_aside_and_counted() {
    let Some(broker) = Mosquitto::plain("max_packet_size 20000\n") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, None));
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(40_000)).into_bytes();
    gateway.outbox.append(Record { body, ..gateway::record(1) });
    gateway.outbox.append(gateway::record(2));
    gateway.outbox.flush();
    wait::until("the next record to arrive", || room.times(1, 2) > 0);
    wait::until("the outbox to be empty", || gateway.outbox.stats().depth == 0);
    assert_eq!(gateway.outbox.stats().evicted, [(Eviction::TooLarge, 1)].into());
    assert_eq!((gateway.stats().set_aside, room.times(1, 1)), (1, 0));
    assert_eq!(gateway.stats().connections, 1, "it costs no connection");
    gateway.shutdown();
}

#[test]
fn live_values_are_published_again_after_every_connection() {
    let Some(mut broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, None));
    let value = "{\"flow\":1.5}";
    gateway.retain("last", value);
    gateway.retain("last", value);
    wait::until("the value to arrive", || room.on("last").len() == 1);
    let subscriptions = room.subscriptions();
    broker.kill();
    broker.start();
    wait::until("the control room to be back", || room.subscriptions() > subscriptions);
    wait::until("the value to arrive again", || room.on("last").len() >= 2);
    gateway.shutdown();
}

#[test]
fn records_are_delivered_over_mqtt_3_1_1_as_well() {
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let config = MqttConfig { protocol: ProtocolVersion::V311, ..gateway::mqtt(broker.port, None) };
    let gateway = Gateway::start(gateway::outbox(folder.path()), &config);
    for number in 0..500 {
        gateway.outbox.append(gateway::record(number));
    }
    gateway.outbox.flush();
    wait::until("everything to be acknowledged", || gateway.outbox.stats().depth == 0);
    wait::until("every record to arrive", || room.records() == 500);
    assert_eq!(room.on(DATA)[0], json!({"boot": 1, "seq": 1, "hist": false, "number": 0}));
    gateway.shutdown();
}
