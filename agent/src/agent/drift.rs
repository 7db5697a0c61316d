//! The drift of a device in the running agent: kept over a restart, told when there is news.

use std::io;
use std::time::Duration;

use lineside_bundle::manifest::Histogram;
use tracing::{info, warn};

use super::state::StateFile;
use crate::config::{Config, DeviceConfig};
use crate::detect::Verdict;
use crate::detect::detector::DetectorModel;
use crate::drift::{Compared, DeviceDrift, DriftSettings};
use crate::signal::Window;
use crate::time::Timestamp;

/// Folder of what is known of the devices' drift within the data folder.
pub const DRIFT: &str = "drift";

/// The drift of a device that is being watched.
pub struct WatchedDrift {
    device: String,
    drift: DeviceDrift,
    file: StateFile,
    unsaved: bool,
    /// Quantities that have drifted, as they were last told.
    told: Vec<Compared>,
}

/// What a counted window changed.
pub struct News {
    /// Every quantity beside its reference.
    pub compared: Vec<Compared>,
    /// Whether anybody beyond this gateway should hear of it: a span is complete.
    pub tell: bool,
}

impl WatchedDrift {
    /// Of a device whose windows are `tick` apart, where drift is watched; it goes on where it
    /// stood before a restart.
    ///
    /// # Errors
    /// When its file's folder cannot be used.
    pub fn open(
        config: &Config,
        device: &DeviceConfig,
        tick: Duration,
        model: &DetectorModel,
    ) -> io::Result<Option<Self>> {
        if !config.drift.enabled {
            return Ok(None);
        }
        let file = StateFile::new(&config.gateway.data_dir.join(DRIFT), device)?;
        let mut drift = DeviceDrift::new(DriftSettings::new(&config.drift, device, tick));
        let found = match file.read()? {
            None => Ok(()),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(bytes)) => drift.restore(&bytes),
        };
        if let Err(why) = found {
            let path = file.path().display();
            warn!(device = %device.id, %path, why, "what was known of its drift is not used: it begins anew");
        }
        drift.detector(model.version(), model.trained());
        let told = drift.report();
        Ok(Some(WatchedDrift { device: device.id.clone(), drift, file, unsaved: false, told }))
    }

    /// Takes a scored window; what there is to show, where it was counted.
    pub fn push(&mut self, window: &Window, verdict: &Verdict) -> Option<News> {
        if !self.drift.push(window, verdict) {
            return None;
        }
        self.unsaved = true;
        let compared = self.drift.report();
        let until =
            |compared: &[Compared]| -> Option<Timestamp> { compared.iter().filter_map(|c| c.until).max() };
        let tell = until(&compared) != until(&self.told);
        if tell {
            for (now, before) in compared.iter().zip(&self.told) {
                match (before.since, now.since) {
                    (None, Some(since)) => {
                        let (words, against) = (now.in_words(), now.against.name());
                        warn!(device = %self.device, against, %since, psi = now.psi, limit = now.limit, "drift: {words}");
                    }
                    (Some(_), None) => {
                        info!(device = %self.device, what = now.what.name(), channel = now.channel, "the drift is over");
                    }
                    _ => {}
                }
            }
            self.told.clone_from(&compared);
        }
        Some(News { compared, tell })
    }

    /// Another detector scores from now on.
    pub fn detector(&mut self, version: &str, trained: Option<&Histogram>) {
        self.drift.detector(version, trained);
        self.told = self.drift.report();
        self.unsaved = true;
    }

    /// Every quantity beside its reference.
    pub fn report(&self) -> Vec<Compared> {
        self.drift.report()
    }

    /// Saves what was counted since it was last saved.
    pub fn save(&mut self) {
        if !self.unsaved {
            return;
        }
        match self.file.write(&self.drift.snapshot()) {
            Ok(()) => self.unsaved = false,
            Err(error) => {
                let path = self.file.path().display();
                warn!(device = %self.device, %path, %error, "what is known of its drift could not be saved");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{DriftConfig, GatewayConfig, Span};
    use crate::incident::fixtures::{TICK, device, verdict, window};

    #[test]
    fn what_is_known_survives_a_restart_and_a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let gateway = GatewayConfig { data_dir: folder.path().to_owned(), ..GatewayConfig::default() };
        let drift = DriftConfig { sample_interval: Span::secs(1), ..DriftConfig::default() };
        let config = Config { gateway, drift, ..Config::default() };
        let (pump, model) = (device(&[("flow", "m3/h")]), DetectorModel::builtin().unwrap());
        let open = || WatchedDrift::open(&config, &pump, TICK, &model).unwrap().unwrap();
        let mut drift = open();
        for t in 0..5 {
            let news = drift.push(&window(t, &[1.0]), &verdict(t, false, &[0.0])).unwrap();
            assert!(!news.tell, "no span is complete");
        }
        drift.save();
        assert!(drift.report()[0].known > 0.0);
        assert_eq!(open().report(), drift.report());

        let path = drift.file.path().to_owned();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(open().report().iter().all(|compared| compared.known == 0.0), "cut at {cut}");
        }
        let off = DriftConfig { enabled: false, ..config.drift.clone() };
        let off = Config { drift: off, ..config.clone() };
        assert!(WatchedDrift::open(&off, &pump, TICK, &model).unwrap().is_none());
    }
}
