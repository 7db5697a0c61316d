//! The arguments of `rollout create`.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use clap::Args;
use jiff::Timestamp;
use lineside_bundle::rollout::{Point, Predicates, Window};

use crate::rollouts::order::Order;
use crate::rollouts::thresholds::Thresholds;

#[derive(Args, Clone, Debug)]
pub(super) struct CreateArgs {
    /// The model
    #[arg(long)]
    model: String,
    /// The release, which must be signed already
    #[arg(long)]
    release: u32,
    /// The group of devices
    #[arg(long, default_value = "default")]
    group: String,
    /// Its name; made from the day when not given
    #[arg(long)]
    id: Option<String>,
    /// When the ramp begins, such as 2026-11-21T22:00:00Z; now when not given
    #[arg(long)]
    start: Option<Timestamp>,
    /// Points of the ramp, linear in between, such as 0s=5,1h=25,1d=100; all at once when not given
    #[arg(long, value_delimiter = ',', value_parser = point, value_name = "TIME=PERCENT")]
    ramp: Vec<Point>,
    /// When a device may install, in its local time, such as 22:00-05:00
    #[arg(long, value_parser = window, value_name = "FROM-TO")]
    window: Option<Window>,
    /// Only devices of these architectures
    #[arg(long, value_delimiter = ',')]
    arch: Vec<String>,
    /// Only devices whose agent has at least this version
    #[arg(long, value_name = "VERSION")]
    min_agent: Option<String>,
    /// Only devices whose tag has one of the values, such as line=3,4; may be given again
    #[arg(long = "tag", value_parser = tag, value_name = "TAG=VALUES")]
    tags: Vec<(String, Vec<String>)>,
    /// Pause when more than this percentage of the devices that came to an end rolled back or failed
    #[arg(long, value_name = "PERCENT", default_value_t = Thresholds::default().error_threshold)]
    error_threshold: u8,
    /// Pause when less than this percentage committed of those that began long enough ago; 0 for never
    #[arg(long, value_name = "PERCENT", default_value_t = Thresholds::default().success_threshold)]
    success_threshold: u8,
    /// Fewer devices than this decide nothing
    #[arg(long, value_name = "N", default_value_t = Thresholds::default().min_sample)]
    min_sample: u32,
    /// What is long enough: from a device's first word to the end of its soak
    #[arg(long, value_parser = seconds, value_name = "TIME", default_value = "1d")]
    settle: u64,
    /// A device without a report for longer is silent
    #[arg(long, value_parser = seconds, value_name = "TIME", default_value = "1d")]
    silent_after: u64,
}

impl CreateArgs {
    pub(super) fn order(&self) -> anyhow::Result<Order> {
        let min_agent = self.min_agent.as_ref().map(|text| text.parse()).transpose();
        let at_once = vec![Point { after_s: 0, percent: 100 }];
        Ok(Order {
            id: self.id.clone(),
            model: self.model.clone(),
            group: self.group.clone(),
            release: self.release,
            start: self.start,
            ramp: if self.ramp.is_empty() { at_once } else { self.ramp.clone() },
            window: self.window,
            predicates: Predicates {
                arch: self.arch.clone(),
                min_agent: min_agent.map_err(|e: String| anyhow!("--min-agent: {e}"))?,
                tags: BTreeMap::from_iter(self.tags.clone()),
            },
            thresholds: Thresholds {
                error_threshold: self.error_threshold,
                success_threshold: self.success_threshold,
                min_sample: self.min_sample,
                settle_s: self.settle,
                silent_after_s: self.silent_after,
            },
        })
    }
}

/// `90s`, `15m`, `4h`, `2d`.
fn seconds(text: &str) -> anyhow::Result<u64> {
    let wrong = || format!("`{text}` must be a time such as 90s, 15m, 4h or 2d");
    let unit = text.chars().last().with_context(wrong)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(anyhow!(wrong())),
    };
    let number: u64 = text.strip_suffix(unit).and_then(|n| n.parse().ok()).with_context(wrong)?;
    number.checked_mul(each).with_context(wrong)
}

fn point(text: &str) -> anyhow::Result<Point> {
    let (after, percent) = text.split_once('=').with_context(|| format!("`{text}` must be such as 1h=25"))?;
    let percent = percent.trim_end_matches('%').parse().context("the percentage goes from 0 to 100")?;
    Ok(Point { after_s: seconds(after)?, percent })
}

fn window(text: &str) -> anyhow::Result<Window> {
    let (from, to) = text.split_once('-').with_context(|| format!("`{text}` must be such as 22:00-05:00"))?;
    let clock = |text: &str| text.to_owned().try_into().map_err(|e: String| anyhow!(e));
    Ok(Window { from: clock(from)?, to: clock(to)? })
}

fn tag(text: &str) -> anyhow::Result<(String, Vec<String>)> {
    let (tag, values) = text.split_once('=').with_context(|| format!("`{text}` must be such as line=3,4"))?;
    Ok((tag.to_owned(), values.split(',').map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_points_windows_and_tags_are_read_as_operators_write_them() {
        assert_eq!(seconds("2d").unwrap(), 172_800);
        assert_eq!(point("1h=25").unwrap(), Point { after_s: 3600, percent: 25 });
        let window = window("22:00-05:00").unwrap();
        assert_eq!((window.from.to_string(), window.to.to_string()), ("22:00".into(), "05:00".into()));
        assert_eq!(tag("line=3,4").unwrap(), ("line".to_owned(), vec!["3".to_owned(), "4".to_owned()]));
        for wrong in ["", "1", "h", "-1h", "1w", "99999999999999999999d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert!(point("25").is_err() && super::window("22:00").is_err() && tag("line").is_err());
    }
}
