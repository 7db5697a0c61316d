//! What the server does by itself.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::App;
use crate::db::events;

/// How often the disk is asked whether the metadata changed.
const RELOAD: Duration = Duration::from_secs(1);
/// How often thresholds are judged, and unpublished changes tried again, when nothing rings.
const JUDGE: Duration = Duration::from_secs(60);
/// Least time between two judgements: a burst of reports rings once for each.
const JUDGE_PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked whether the timestamp is due. Its lifetime is hours.
const REFRESH: Duration = Duration::from_secs(60);
/// How often idle devices are forgotten by the limits.
const FORGET: Duration = Duration::from_secs(300);

/// How often old events are deleted.
const PRUNE: Duration = Duration::from_secs(3600);

/// Starts all of it.
pub(super) fn start(app: &App, tasks: &mut JoinSet<()>) {
    tasks.spawn(reload(app.clone()));
    tasks.spawn(judge(app.clone()));
    tasks.spawn(refresh(app.clone()));
    tasks.spawn(forget(app.clone()));
    tasks.spawn(prune(app.clone()));
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn reload(app: App) {
    let mut tick = every(RELOAD);
    loop {
        tick.tick().await;
        app.reload().await;
    }
}

async fn judge(app: App) {
    loop {
        match app.rollouts.judge(app.now()).await {
            Ok(0) => {}
            Ok(paused) => {
                (0..paused).for_each(|_| app.counters.pauses.add());
                app.reload().await;
            }
            Err(error) => tracing::warn!(%error, "rollouts could not be judged; tried again"),
        }
        tokio::time::sleep(JUDGE_PAUSE).await;
        // Rung or not: a failed publication is tried again too.
        let _ = timeout(JUDGE, app.judge.notified()).await;
    }
}

async fn refresh(app: App) {
    let mut tick = every(REFRESH);
    loop {
        tick.tick().await;
        match app.rollouts.refresh(app.now()).await {
            Ok(false) => {}
            Ok(true) => {
                app.counters.refreshes.add();
                app.reload().await;
            }
            Err(error) => {
                app.counters.refresh_failures.add();
                tracing::error!(%error, "the timestamp could not be signed anew; devices will call it stale");
            }
        }
    }
}

async fn forget(app: App) {
    let mut tick = every(FORGET);
    loop {
        tick.tick().await;
        app.limits.forget_idle();
    }
}

async fn prune(app: App) {
    let mut tick = every(PRUNE);
    loop {
        tick.tick().await;
        let kept = i64::try_from(app.keep_events.as_millis()).unwrap_or(i64::MAX);
        match events::prune(&app.database, app.now().as_millisecond().saturating_sub(kept)).await {
            Ok(pruned) => app.counters.pruned.add_all(pruned),
            Err(error) => tracing::warn!(%error, "old events were not deleted; tried again"),
        }
    }
}
