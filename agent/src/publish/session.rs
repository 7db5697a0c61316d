//! The life of one connection.
//!
//! 1. Connect, and publish nothing before the broker has accepted the connection.
//! 2. Publish the online status, then the live values, then records, at most a window of them
//!    unacknowledged.
//! 3. Delete what is acknowledged; set aside what can never be delivered; leave in the outbox
//!    what is refused for now, let everything else pass it, and try it again after a back-off.
//! 4. On any error, or when nothing is acknowledged in time, give up the connection with all its
//!    books. The next one starts from the outbox.
//! 5. To stop: send nothing new, wait for acknowledgements, publish the offline status,
//!    disconnect.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::connect::{Ack, Client, Signal, packet_bytes};
use super::inflight::InFlight;
use super::publisher::Context;
use super::refused::Refused;
use super::splice::splice;
use crate::outbox::{Cursors, Eviction, RecordKey, Stored};
use crate::random;
use crate::time::Timestamp;

/// A record sent later than this after it was handed over is marked as history, as is one that
/// is older than its connection by a commit: a commit and a round trip stay well below.
const HISTORY_AFTER: Duration = Duration::from_secs(10);
/// How much older than its connection a record may be and still be of the present.
const BACKLOG_AFTER: Duration = Duration::from_secs(1);

/// Acknowledged records are deleted in batches of at most this.
const DELETE_BATCH: usize = 64;

/// How long acknowledgements are awaited at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// How long the farewell may take.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Signals that may wait for the session.
const SIGNALS: usize = 256;

/// How a connection ended.
pub enum End {
    /// As asked.
    Stopped,
    /// Against our will.
    Failed(String),
}

/// What is out.
enum What {
    /// The status, online or offline.
    Status,
    /// A live value.
    Live(String),
    /// A record.
    Record { key: RecordKey, topic: String, accepted: Timestamp, late: bool },
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Running,
    Draining,
    Farewell,
    Leaving,
}

/// One connection.
pub struct Session<'a> {
    context: &'a Context,
    client: Client,
    inflight: InFlight<What>,
    window: usize,
    max_packet: usize,
    /// Read from the outbox, not yet sent.
    ready: VecDeque<Stored>,
    cursors: Cursors,
    /// The outbox may hold more beyond the cursors.
    more: bool,
    reading: Option<JoinHandle<Vec<Stored>>>,
    /// Acknowledged, not yet deleted.
    done: Vec<RecordKey>,
    refused: &'a mut Refused,
    /// Whether the outbox was read from the start again.
    rewound: bool,
    /// The broker's last sign of progress while something is out.
    progress: Instant,
    /// When the broker accepted the connection.
    connected: Timestamp,
    delivered: bool,
    phase: Phase,
    /// When the phase ends at the latest.
    phase_until: Option<Instant>,
}

/// Ends the task that polls when the session ends, and with it the connection.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<'a> Session<'a> {
    /// Lives one connection. Also says whether a record was delivered.
    pub async fn run(
        context: &'a Context,
        refused: &'a mut Refused,
        stopped: &mut watch::Receiver<bool>,
    ) -> (End, bool) {
        let (client, mut poller) = context.route.open();
        let (report, mut signals) = mpsc::channel(SIGNALS);
        // Polling has a task of its own: cancelled half-way it would lose the connection.
        let _polling = AbortOnDrop(tokio::spawn(async move {
            loop {
                let signal = poller.poll().await;
                let over = signal.is_err();
                if report.send(signal).await.is_err() || over {
                    return;
                }
            }
        }));
        let connected = tokio::select! {
            signal = signals.recv() => signal,
            _ = stopped.wait_for(|stop| *stop) => return (End::Stopped, false),
        };
        let (receive_max, max_packet) = match connected {
            Some(Ok(Signal::Connected { receive_max, max_packet })) => (receive_max, max_packet),
            Some(Err(why)) => return (End::Failed(why), false),
            Some(Ok(_)) | None => {
                return (End::Failed("the broker does not answer as MQTT demands".into()), false);
            }
        };
        let config = &context.route.config;
        let own_limit = usize::try_from(config.max_packet.0).unwrap_or(usize::MAX);
        let mut session = Session {
            context,
            client,
            inflight: InFlight::default(),
            window: usize::from(config.window.min(receive_max).max(1)),
            max_packet: own_limit.min(max_packet.unwrap_or(usize::MAX)),
            ready: VecDeque::new(),
            cursors: Cursors::default(),
            more: true,
            reading: None,
            done: Vec::new(),
            refused,
            rewound: false,
            progress: Instant::now(),
            connected: context.clock.now(),
            delivered: false,
            phase: Phase::Running,
            phase_until: None,
        };
        {
            let mut stats = context.shared.stats();
            stats.connected = true;
            stats.connections += 1;
            stats.since = Some(context.clock.now());
        }
        let end = match session.live(&mut signals, stopped).await {
            Ok(()) => End::Stopped,
            Err(why) => End::Failed(why),
        };
        session.delete_done();
        (end, session.delivered)
    }

    async fn live(
        &mut self,
        signals: &mut mpsc::Receiver<Result<Signal, String>>,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut commits = self.context.outbox.commits();
        let mut outbox_open = true;
        let birth = &self.context.birth;
        self.request(What::Status, &birth.topic, true, (birth.online)())?;
        self.context.shared.live().all_due(&birth.topic);
        loop {
            self.feed()?;
            if self.advance()? {
                return Ok(());
            }
            self.context.shared.stats().in_flight = self.inflight.len();
            let wake = self.wake();
            tokio::select! {
                signal = signals.recv() => {
                    let signal = signal.ok_or("the connection's task has ended")?;
                    if matches!(signal, Ok(Signal::Disconnected)) && self.phase == Phase::Leaving {
                        return Ok(());
                    }
                    self.handle(signal?)?;
                    if self.done.len() >= DELETE_BATCH || signals.is_empty() {
                        self.delete_done();
                    }
                }
                found = async { self.reading.as_mut().expect("guarded by the branch's condition").await },
                    if self.reading.is_some() =>
                {
                    self.reading = None;
                    self.take_in(found.unwrap_or_default());
                }
                changed = commits.changed(), if outbox_open => {
                    outbox_open = changed.is_ok();
                    self.more = true;
                }
                () = self.context.shared.live_changed.notified() => {}
                _ = stopped.wait_for(|stop| *stop), if self.phase == Phase::Running => {
                    self.enter(Phase::Draining, DRAIN_LIMIT);
                }
                () = sleep_until(wake) => self.on_time()?,
            }
        }
    }

    /// Requests what may be sent now, and reads more.
    fn feed(&mut self) -> Result<(), String> {
        if matches!(self.phase, Phase::Farewell | Phase::Leaving) {
            return Ok(());
        }
        while self.inflight.len() < self.window {
            let Some((topic, payload)) = self.context.shared.live().take() else { break };
            if packet_bytes(&topic, payload.len()) > self.max_packet || !is_publishable(&topic) {
                self.context
                    .shared
                    .failed(format!("the value of `{topic}` cannot be published: too large, or not a topic"));
                continue;
            }
            self.request(What::Live(topic.clone()), &topic, true, payload)?;
        }
        if self.phase != Phase::Running {
            return Ok(());
        }
        while self.inflight.len() < self.window {
            let Some(stored) = self.ready.pop_front() else { break };
            self.send(stored)?;
        }
        if self.ready.is_empty() && self.more && self.reading.is_none() {
            // Deletions first: what is acknowledged must not be read again.
            self.delete_done();
            self.more = false;
            let (outbox, cursors, limit) = (self.context.outbox.clone(), self.cursors, self.window);
            self.reading = Some(tokio::task::spawn_blocking(move || outbox.next(&cursors, limit)));
        }
        Ok(())
    }

    fn take_in(&mut self, found: Vec<Stored>) {
        self.more |= found.len() >= self.window;
        for stored in &found {
            self.cursors.pass(stored.key);
        }
        self.ready.extend(found);
    }

    fn send(&mut self, stored: Stored) -> Result<(), String> {
        let Stored { key, record, accepted } = stored;
        if self.refused.waits(key, &record.topic) || self.is_out(key) {
            return Ok(());
        }
        let late = self.context.clock.now().since(accepted) > HISTORY_AFTER
            || self.connected.since(accepted) > BACKLOG_AFTER;
        let Some(message) = splice(&record.body, key, late).filter(|_| is_publishable(&record.topic)) else {
            self.set_aside(key, Eviction::Malformed, "its body is no JSON object or its topic no topic");
            return Ok(());
        };
        if packet_bytes(&record.topic, message.len()) > self.max_packet {
            let why = format!("it is larger than the broker's {} bytes (`mqtt.max_packet`)", self.max_packet);
            self.set_aside(key, Eviction::TooLarge, &why);
            return Ok(());
        }
        let what = What::Record { key, topic: record.topic.clone(), accepted, late };
        self.request(what, &record.topic, false, message)
    }

    fn request(&mut self, what: What, topic: &str, retain: bool, payload: Vec<u8>) -> Result<(), String> {
        if self.inflight.is_empty() {
            self.progress = Instant::now();
        }
        // Before the request, so that its packet id finds it.
        self.inflight.request(what);
        if self.client.publish(topic, retain, payload) {
            return Ok(());
        }
        self.inflight.take_back();
        Err(format!("a publication to `{topic}` could not be requested"))
    }

    fn is_out(&self, key: RecordKey) -> bool {
        // Only after a rewind can something be read that is out.
        self.rewound
            && self.inflight.iter().any(|what| matches!(what, What::Record { key: out, .. } if *out == key))
    }

    fn handle(&mut self, signal: Signal) -> Result<(), String> {
        match signal {
            Signal::Sent(id) if !self.inflight.sent(id) => Err("packet ids are out of step".into()),
            Signal::Answered(id, ack) => {
                let what = self.inflight.answered(id).ok_or("the broker acknowledges what was not sent")?;
                self.progress = Instant::now();
                self.answered(what, ack);
                Ok(())
            }
            Signal::Connected { .. } => Err("the connection was made twice".into()),
            Signal::Sent(_) | Signal::Disconnected | Signal::Other => Ok(()),
        }
    }

    fn answered(&mut self, what: What, ack: Ack) {
        match (what, ack) {
            (What::Record { key, topic, accepted, late }, Ack::Taken) => {
                self.refused.taken(&topic);
                self.delivered = true;
                self.done.push(key);
                self.context.shared.acknowledged(self.context.clock.now().since(accepted), late);
            }
            (What::Record { key, .. }, Ack::Invalid(why)) => self.set_aside(key, Eviction::Rejected, &why),
            (What::Record { topic, .. }, Ack::Denied) => {
                let why = format!(
                    "the broker's access rules forbid publishing to `{topic}`; its records stay in the outbox"
                );
                self.refused.topic(topic, Instant::now(), self.context.backoff, random::fraction());
                self.count_refusal(why);
            }
            (What::Record { key, topic, .. }, Ack::Refused(reason)) => {
                self.refused.record(key, Instant::now(), self.context.backoff, random::fraction());
                self.count_refusal(format!(
                    "the broker refuses a record for `{topic}`: {reason}; it stays in the outbox"
                ));
            }
            (What::Status | What::Live(_), Ack::Taken) => {}
            (What::Status, ack) => {
                let topic = &self.context.birth.topic;
                self.context.shared.failed(format!("the broker refuses the status on `{topic}`: {ack:?}"));
            }
            (What::Live(topic), ack) => {
                self.context.shared.failed(format!("the broker refuses the value of `{topic}`: {ack:?}"));
            }
        }
    }

    fn count_refusal(&self, why: String) {
        self.context.shared.stats().refused += 1;
        self.context.shared.failed(why);
    }

    fn set_aside(&mut self, key: RecordKey, reason: Eviction, why: &str) {
        self.context.outbox.set_aside(key, reason);
        self.context.shared.stats().set_aside += 1;
        let RecordKey { boot, seq, .. } = key;
        self.context
            .shared
            .failed(format!("record {boot}/{seq} can never be delivered and is set aside: {why}"));
    }

    fn delete_done(&mut self) {
        if !self.done.is_empty() {
            self.context.outbox.acknowledge(std::mem::take(&mut self.done));
        }
    }

    /// Moves on towards the end. `true` when it is reached.
    fn advance(&mut self) -> Result<bool, String> {
        if self.phase == Phase::Draining && self.inflight.is_empty() {
            self.say_farewell()?;
        }
        if self.phase == Phase::Farewell && self.inflight.is_empty() {
            self.enter(Phase::Leaving, FAREWELL_LIMIT);
            return Ok(!self.client.disconnect());
        }
        Ok(false)
    }

    fn say_farewell(&mut self) -> Result<(), String> {
        self.enter(Phase::Farewell, FAREWELL_LIMIT);
        let birth = &self.context.birth;
        self.request(What::Status, &birth.topic, true, birth.offline.clone())
    }

    fn enter(&mut self, phase: Phase, limit: Duration) {
        self.phase = phase;
        self.phase_until = Some(Instant::now() + limit);
    }

    fn ack_deadline(&self) -> Option<Instant> {
        (!self.inflight.is_empty()).then(|| self.progress + self.context.route.config.ack_timeout.0)
    }

    /// When something is to be done though nothing happens.
    fn wake(&self) -> Instant {
        /// So often at the least, which costs nothing.
        const IDLE: Duration = Duration::from_secs(3600);
        [self.ack_deadline(), self.refused.retry_at(), self.phase_until]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| Instant::now() + IDLE)
    }

    fn on_time(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if self.phase_until.is_some_and(|until| until <= now) {
            match self.phase {
                Phase::Draining => self.say_farewell()?,
                Phase::Running => {}
                Phase::Farewell | Phase::Leaving => {
                    return Err("the broker did not confirm the farewell".into());
                }
            }
        }
        if self.ack_deadline().is_some_and(|deadline| deadline <= now) {
            let limit = self.context.route.config.ack_timeout;
            return Err(format!("the broker has acknowledged nothing for {limit} (`mqtt.ack_timeout`)"));
        }
        if self.refused.retry_at().is_some_and(|at| at <= now) {
            self.rewind();
        }
        Ok(())
    }

    /// Reads the outbox from the start again, for what was refused.
    fn rewind(&mut self) {
        self.refused.retry();
        self.rewound = true;
        self.ready.clear();
        self.reading = None;
        self.cursors = Cursors::default();
        self.more = true;
    }
}

/// Whether MQTT allows publishing to it.
fn is_publishable(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= usize::from(u16::MAX) && !topic.contains(['+', '#', '\0'])
}
