//! The time, and for how long signatures count.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::repository::{Expiries, Terms};

/// Hours of a day.
const DAY: i64 = 24;

/// For how long signatures count.
#[derive(Debug, Args)]
pub(super) struct TermsArguments {
    /// Days until root expires
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    root_days: u32,
    /// Days until targets and the models' roles expire
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    targets_days: u32,
    /// Days until snapshot and rollouts expire
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
    snapshot_days: u32,
    /// Hours until timestamp expires
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    timestamp_hours: u32,
}

impl TermsArguments {
    /// What is signed now, and until when.
    pub(super) fn now(&self) -> Terms {
        let days = |days: u32| SignedDuration::from_hours(i64::from(days) * DAY);
        let expiries = Expiries {
            root: days(self.root_days),
            targets: days(self.targets_days),
            rollouts: days(self.snapshot_days),
            snapshot: days(self.snapshot_days),
            timestamp: SignedDuration::from_hours(i64::from(self.timestamp_hours)),
        };
        Terms { now: Timestamp::now(), expiries }
    }
}
