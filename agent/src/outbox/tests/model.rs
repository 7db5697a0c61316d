//! Any order of calls, failures and restarts, against a model in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::outbox::{Cursors, Eviction, RecordKey, StoreError};

#[derive(Clone, Debug)]
enum Step {
    Append { incidents: bool, records: u8 },
    Flush,
    Acknowledge { every: u8 },
    SetAside,
    Fail { arrives: bool },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 1_u8..20).prop_map(|(incidents, records)| Step::Append { incidents, records }),
        3 => Just(Step::Flush),
        3 => (1_u8..5).prop_map(|every| Step::Acknowledge { every }),
        1 => Just(Step::SetAside),
        1 => any::<bool>().prop_map(|arrives| Step::Fail { arrives }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn accepted_is_acknowledged_or_present_or_counted(steps in proptest::collection::vec(step(), 1..40)) {
        let disk = Double::new();
        let mut outbox = on(&disk);
        let mut model: BTreeMap<RecordKey, Record> = BTreeMap::new();
        let mut number = 0;
        let mut boot = 1;
        let mut seq = 0;
        let mut acknowledged = 0;
        for step in steps {
            match step {
                Step::Append { incidents, records } => {
                    for _ in 0..records {
                        let record = if incidents { incident(number) } else { telemetry(number) };
                        number += 1;
                        seq += 1;
                        model.insert(RecordKey { priority: record.priority, boot, seq }, record.clone());
                        outbox.append(record);
                    }
                }
                Step::Flush => outbox.flush(),
                Step::Acknowledge { every } => {
                    outbox.flush();
                    let keys: Vec<_> = outbox
                        .next(&Cursors::default(), 1000)
                        .into_iter()
                        .map(|stored| stored.key)
                        .step_by(usize::from(every))
                        .collect();
                    model.retain(|key, _| !keys.contains(key));
                    acknowledged += keys.len() as u64;
                    outbox.acknowledge(keys);
                    outbox.flush();
                    prop_assert_eq!(outbox.stats().acknowledged, acknowledged);
                }
                Step::SetAside => {
                    outbox.flush();
                    if let Some(first) = outbox.after(None, 1).first() {
                        model.remove(&first.0);
                        outbox.set_aside(first.0, Eviction::Rejected);
                    }
                }
                Step::Fail { arrives } => {
                    outbox.flush();
                    let mut content = disk.lock();
                    content.failure = Some(StoreError::Io("pulled".into()));
                    content.write_arrives = arrives;
                    drop(content);
                    number += 1;
                    seq += 1;
                    let record = telemetry(number);
                    model.insert(RecordKey { priority: record.priority, boot, seq }, record.clone());
                    outbox.append(record);
                    outbox.flush();
                }
                Step::Restart => {
                    outbox.close();
                    outbox = on(&disk);
                    boot += 1;
                    seq = 0;
                    acknowledged = 0;
                    prop_assert_eq!(outbox.stats().boot, boot);
                    prop_assert_eq!(outbox.stats().recovered, model.len() as u64);
                }
            }
        }
        outbox.flush();
        let present: BTreeMap<_, _> =
            outbox.after(None, 10_000).into_iter().map(|(key, record, _)| (key, record)).collect();
        prop_assert_eq!(&present, &model);
        assert_books_balance(&outbox.stats());
    }
}
