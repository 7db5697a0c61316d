//! Every reason why a record does not reach the control room, each with its counter.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

/// Defines a set of reasons with their names in metrics, reports and documentation.
macro_rules! reasons {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All reasons, in the order of their counters.
            pub const ALL: &[$type] = &[$($type::$variant,)+];

            /// The reason's name in metrics, reports and documentation.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

reasons! {
    /// Why an accepted record was given up on purpose.
    Eviction {
        /// The stored records exceeded their size limit; the oldest went.
        Quota = "quota",
        /// It was older than the age limit.
        Age = "age",
        /// It is larger than the broker takes.
        TooLarge = "too_large",
        /// The broker calls its payload or topic invalid.
        Rejected = "rejected",
        /// Its body is not a JSON object, or its topic cannot be published to.
        Malformed = "malformed",
    }
}

reasons! {
    /// Why a record that was handed over was never accepted.
    Refusal {
        /// The disk has less free space than the floor.
        DiskFloor = "disk_floor",
        /// The file system has hardly any free inode.
        InodeFloor = "inode_floor",
        /// The database cannot be written, and too many records wait for it.
        StorageFailed = "storage_failed",
        /// It is too large to be stored.
        TooLarge = "too_large",
        /// The outbox was closed.
        Closed = "closed",
    }
}

reasons! {
    /// Why an accepted record disappeared against our will.
    Loss {
        /// The database was damaged and set aside as a whole.
        SetAside = "set_aside",
        /// The database holds less than was once durable.
        CutShort = "cut_short",
        /// The record's bytes were damaged.
        BadValue = "bad_value",
    }
}

/// A counter for each reason that has occurred.
pub type Counts<R> = BTreeMap<R, u64>;

/// The sum over all reasons.
pub(super) fn total<R>(counts: &Counts<R>) -> u64 {
    counts.values().sum()
}

/// What has happened to records since the outbox was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub handed_over: u64,
    pub recovered: u64,
    pub accepted: u64,
    pub acknowledged: u64,
    pub evicted: Counts<Eviction>,
    pub refused: Counts<Refusal>,
    pub lost: Counts<Loss>,
}

impl Tally {
    pub fn evict(&mut self, reason: Eviction, records: u64) {
        add(&mut self.evicted, reason, records);
    }

    pub fn refuse(&mut self, reason: Refusal, records: u64) {
        add(&mut self.refused, reason, records);
    }

    pub fn lose(&mut self, reason: Loss, records: u64) {
        add(&mut self.lost, reason, records);
    }
}

fn add<R: Ord>(counts: &mut Counts<R>, reason: R, records: u64) {
    if records > 0 {
        *counts.entry(reason).or_default() += records;
    }
}
