//! Nothing accepted is lost when the broker or the agent is killed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use system_tests::control_room::ControlRoom;
use system_tests::gateway::{self, Gateway};
use system_tests::mosquitto::Mosquitto;
use system_tests::wait;

#[test]
fn broker_killed_five_times_loses_nothing() {
    const RECORDS: u64 = 10_000;
    const KILLS: u64 = 5;
    let Some(mut broker) = Mosquitto::tls("") else { return };
    let authority = broker.authority.as_ref().unwrap();
    let (ours, theirs) = (authority.client("gateway"), authority.client("control-room"));
    let room = ControlRoom::open(broker.port, Some(&theirs));
    broker.save();

    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, Some(ours)));
    let outbox = gateway.outbox.clone();
    let appender = std::thread::spawn(move || {
        for number in 0..RECORDS {
            outbox.append(gateway::record(number));
        }
        outbox.flush();
    });
    for kill in 1..=KILLS {
        let enough = usize::try_from(RECORDS * kill / (KILLS + 1)).unwrap();
        wait::until("records to arrive before the next kill", || room.records() >= enough);
        let subscriptions = room.subscriptions();
        broker.kill();
        broker.start();
        // A broker that is killed before its subscriber is back forgets what it acknowledged.
        wait::until("the control room to be back", || room.subscriptions() > subscriptions);
    }
    appender.join().unwrap();
    wait::until("everything to be acknowledged", || gateway.outbox.stats().depth == 0);
    wait::until("every record to arrive", || (1..=RECORDS).all(|seq| room.times(1, seq) > 0));

    let stats = gateway.outbox.stats();
    println!(
        "{RECORDS} records, {KILLS} kills of the broker: 0 lost, {} duplicates, {} connections",
        room.duplicates(),
        gateway.stats().connections
    );
    assert_eq!((stats.accepted, stats.acknowledged), (RECORDS, RECORDS));
    assert_eq!((stats.evicted_total(), stats.lost_total(), stats.refused_total()), (0, 0, 0));
    assert_eq!(room.records() as u64, RECORDS, "duplicates are known by boot and seq");
    assert!(gateway.stats().connections > KILLS);
    gateway.shutdown();
}

#[test]
fn agent_killed_ten_times_loses_no_accepted_record() {
    const KILLS: usize = 10;
    let Some(broker) = Mosquitto::plain("") else { return };
    let room = ControlRoom::open(broker.port, None);
    let folder = tempfile::tempdir().unwrap();
    let mut accepted: Vec<(u64, u64)> = Vec::new();
    for kill in 0..KILLS {
        let mut agent = Command::new(env!("CARGO_BIN_EXE_durable-appender"))
            .arg(folder.path())
            .arg(broker.port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
        // Between the lines of a group, within a commit, while delivering: wherever it is then.
        let moment = 1 + (kill * 97 + usize::try_from(std::process::id()).unwrap()) % 211;
        accepted.extend(lines.by_ref().take(moment).map(|line| key(&line.unwrap())));
        agent.kill().unwrap();
        agent.wait().unwrap();
        // What it printed before it died; the last line may be torn.
        accepted.extend(lines.map_while(Result::ok).filter(|line| line.contains(' ')).map(|line| key(&line)));
    }
    let gateway = Gateway::start(gateway::outbox(folder.path()), &gateway::mqtt(broker.port, None));
    let opened = gateway.outbox.stats();
    assert_eq!(opened.boot as usize, KILLS + 1);
    assert_eq!(opened.lost_total(), 0);
    wait::until("everything to be acknowledged", || gateway.outbox.stats().depth == 0);
    wait::until("every accepted record to arrive", || {
        accepted.iter().all(|(boot, seq)| room.times(*boot, *seq) > 0)
    });
    println!(
        "{} accepted records, {KILLS} kills of the agent: 0 lost, {} duplicates",
        accepted.len(),
        room.duplicates()
    );
    assert!(accepted.len() > KILLS);
    gateway.shutdown();
}

fn key(line: &str) -> (u64, u64) {
    let (boot, seq) = line.split_once(' ').unwrap();
    (boot.parse().unwrap(), seq.parse().unwrap())
}
