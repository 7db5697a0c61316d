//! The story of two updates: each is published at its time and followed, on the gateway and on the
//! server, until it is decided. Nothing here decides anything: the gateway does.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lineside::update::control::{self, Answer, Request};
use lineside::update::event::{Event, Phase};
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Screen;
use crate::ota::Ota;
use crate::releases::{self, Release};

/// The releases and the shares of the demo at which they are published: between commissioning and
/// the first fault, and between the outage and the second.
const PLAN: [(f64, &Release); 2] = [(0.17, &releases::SOUND), (0.56, &releases::WRONG)];
/// How often the gateway and the server are asked.
const LOOK: Duration = Duration::from_millis(100);
/// How long an update may go on after the demo's own end. A recording that is too short for the
/// shadow never decides.
const PATIENCE: Duration = Duration::from_secs(15);

/// How far a release came.
pub struct Fate {
    /// Which one.
    pub release: &'static Release,
    /// What the gateway said last; `None` where it has not even been offered.
    pub last: Option<Event>,
    /// Whether it went through the shadow.
    pub shadowed: bool,
    /// Whether the server heard how it ended.
    pub heard: bool,
}

/// Publishes what is planned, the second only when the first is decided.
///
/// # Errors
/// When something cannot be published, or the gateway cannot be asked.
pub async fn story(screen: &Screen, ota: &Ota, gateway: PathBuf, seconds: f64) -> Result<Vec<Fate>> {
    let end = screen.began + Duration::from_secs_f64(seconds) + PATIENCE;
    let mut history = History { folder: gateway, known: 0 };
    let mut fates = Vec::new();
    for (share, release) in PLAN {
        sleep_until(screen.began + Duration::from_secs_f64(share * seconds)).await;
        let published = ota.publish(release).await?;
        let version = release.version;
        let patch = published.patches.first();
        let patch = patch.map(|(_, bytes)| format!(", or a patch of {}", size(*bytes))).unwrap_or_default();
        let whole = size(published.release.length);
        let wrong = if release.sound { "" } else { "; its golden vectors are wrong" };
        screen
            .line("OTA server", &format!("detector {version} signed and rolled out: {whole}{patch}{wrong}"));
        let fate = follow(screen, ota, &mut history, release, end).await?;
        let decided = fate.decided();
        fates.push(fate);
        if !decided {
            break;
        }
    }
    Ok(fates)
}

/// Follows one release until the gateway has decided and the server has heard of it, or `end`.
async fn follow(
    screen: &Screen,
    ota: &Ota,
    history: &mut History,
    release: &'static Release,
    end: Instant,
) -> Result<Fate> {
    let mut fate = Fate { release, last: None, shadowed: false, heard: false };
    while !fate.heard && Instant::now() < end {
        for event in history.news().await?.into_iter().filter(|event| event.release == release.release) {
            if let Some(line) = words(release, &event) {
                screen.line("gateway", &line);
            }
            fate.shadowed |= event.phase == Phase::Shadow;
            fate.last = Some(event);
        }
        if fate.decided() && fate.is_in(&ota.heard(release).await?) {
            fate.heard = true;
            screen.line("OTA server", &format!("has heard of it: detector {} is {fate}", release.version));
        }
        sleep(LOOK).await;
    }
    Ok(fate)
}

impl Fate {
    /// Whether it stays as it is.
    pub fn decided(&self) -> bool {
        let decides = |phase| matches!(phase, Phase::Committed | Phase::Rejected | Phase::RolledBack);
        self.last.as_ref().is_some_and(|event| decides(event.phase))
    }

    /// Whether the server counts this gateway where the gateway says it is.
    fn is_in(&self, counted: &Value) -> bool {
        let Some(Event { phase, reason, .. }) = &self.last else { return false };
        let count = match phase {
            Phase::Committed => &counted["committed"],
            Phase::Rejected => &counted["rejected"][reason],
            Phase::RolledBack => &counted["rolled_back"][reason],
            _ => return false,
        };
        count == 1
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.last {
            Some(Event { phase: Phase::Committed, .. }) => f.write_str("committed"),
            Some(Event { phase: Phase::Rejected, reason, .. }) => write!(f, "refused: {reason}"),
            Some(Event { phase: Phase::RolledBack, reason, .. }) => write!(f, "rolled back: {reason}"),
            _ => f.write_str("not decided when the demo ended"),
        }
    }
}

/// What the gateway's history says of releases, asked the way `lineside model history` asks.
struct History {
    folder: PathBuf,
    known: usize,
}

impl History {
    /// What was added since it was last asked.
    async fn news(&mut self) -> Result<Vec<Event>> {
        let folder = self.folder.clone();
        let answer = spawn_blocking(move || control::ask(&folder, &Request::History)).await?;
        match answer.context("the gateway's control socket")? {
            Some(Answer::History(mut events)) => {
                let news = events.split_off(self.known.min(events.len()));
                self.known += news.len();
                Ok(news)
            }
            other => bail!("the gateway does not tell its history: {other:?}"),
        }
    }
}

/// A step of a release, for people; `None` where there is nothing to see.
fn words(release: &Release, event: &Event) -> Option<String> {
    let Event { phase, reason, detail, .. } = event;
    let version = release.version;
    Some(match phase {
        Phase::Offered | Phase::Downloading => return None,
        Phase::Verified => {
            format!("detector {version}: fetched, its signatures and golden vectors are right ({detail})")
        }
        Phase::Shadow => format!("detector {version}: in shadow beside the active one, {detail}"),
        Phase::Active => format!("detector {version}: has taken over, on trial; the one before is kept"),
        Phase::Committed => format!("detector {version}: has proven itself and stays"),
        Phase::Rejected => format!("detector {version}: refused, {reason}: {detail}; the active one runs on"),
        Phase::RolledBack => format!("detector {version}: taken back, {reason}: {detail}"),
        Phase::Failed => format!("detector {version}: broken off, {reason}: {detail}; it is tried again"),
    })
}

/// A length as people say it.
fn size(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(phase: Phase, reason: &str) -> Fate {
        let event = Event {
            attempt: "a".into(),
            seq: 0,
            model: "detector".into(),
            release: 2,
            rollout: "r2".into(),
            phase,
            reason: reason.into(),
            detail: String::new(),
            time: String::new(),
        };
        Fate { release: &releases::SOUND, last: Some(event), shadowed: true, heard: false }
    }

    #[test]
    fn the_server_has_heard_when_it_counts_the_gateway_where_it_is() {
        let counted = json!({"committed": 0, "rejected": {"golden_mismatch": 1}, "rolled_back": {}});
        assert!(ended(Phase::Rejected, "golden_mismatch").is_in(&counted));
        assert!(!ended(Phase::Rejected, "over_latency").is_in(&counted));
        assert!(!ended(Phase::Committed, "").is_in(&counted));
    }

    #[test]
    fn a_release_on_its_way_is_not_decided_and_said_to_be() {
        for phase in [Phase::Offered, Phase::Shadow, Phase::Active, Phase::Failed] {
            let fate = ended(phase, "");
            assert!(!fate.decided());
            assert_eq!(fate.to_string(), "not decided when the demo ended");
        }
    }
}
