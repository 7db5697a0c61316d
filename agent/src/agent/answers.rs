//! The drift of the model that classifies incidents, in the running agent: kept over a restart,
//! shown on the board.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineside_bundle::Manifest;
use tracing::warn;

use super::drift::DRIFT;
use crate::clock::Clock;
use crate::drift::answers::AnswerDrift;
use crate::durable;
use crate::incident::Incident;
use crate::status::StatusBoard;
use crate::status::report::ModelDrift;

/// Its file beside those of the devices.
const FILE: &str = "classify-incident.answers";
/// CRC-32 before what is saved.
const CRC: usize = 4;

/// Watches the answers about incidents.
pub struct Answers {
    path: PathBuf,
    drift: AnswerDrift,
    /// The newest incident of each device that was counted.
    counted: BTreeMap<String, String>,
    board: Arc<StatusBoard>,
    clock: Arc<dyn Clock>,
}

impl Answers {
    /// Goes on where it stood before a restart.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub fn open(data: &Path, board: Arc<StatusBoard>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let folder = data.join(DRIFT);
        fs::create_dir_all(&folder)?;
        let path = folder.join(FILE);
        let drift = match fs::read(&path) {
            Ok(bytes) => read(&bytes).unwrap_or_else(|| {
                warn!(path = %path.display(), "what was known of a model's answers is damaged: it begins anew");
                AnswerDrift::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => AnswerDrift::default(),
            Err(error) => return Err(error),
        };
        let answers = Answers { path, drift, counted: BTreeMap::new(), board, clock };
        answers.show();
        Ok(answers)
    }

    /// Takes what a model said of an incident: its confidence, or `None` for "unknown". An incident
    /// counts once, however often it changes.
    pub fn push(&mut self, model: &Manifest, incident: &Incident, confidence: Option<f32>) {
        let counted = self.counted.insert(incident.device.clone(), incident.id.clone());
        if counted.is_some_and(|id| id == incident.id) {
            return;
        }
        let trained = model.drift.as_ref().and_then(|drift| drift.confidence.as_ref());
        self.drift.model(&model.name, &model.version, trained);
        self.drift.push(confidence, self.clock.now());
        self.show();
        let body = self.drift.snapshot();
        let bytes = [&crc32fast::hash(&body).to_le_bytes()[..], &body].concat();
        if let Err(error) = durable::replace(&self.path, &bytes) {
            warn!(path = %self.path.display(), %error, "what is known of a model's answers could not be saved");
        }
    }

    fn show(&self) {
        let (model, version) = self.drift.whose();
        if !model.is_empty() {
            let (model, version) = (model.to_owned(), version.to_owned());
            self.board.model_drift(ModelDrift { model, version, compared: self.drift.report() });
        }
    }
}

fn read(bytes: &[u8]) -> Option<AnswerDrift> {
    let (crc, body) = bytes.split_first_chunk::<CRC>()?;
    let whole = crc32fast::hash(body) == u32::from_le_bytes(*crc);
    whole.then(|| AnswerDrift::restore(body))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::config::Config;
    use crate::detect::detector::DetectorModel;
    use crate::incident::fixtures;

    #[test]
    fn answers_are_counted_over_a_restart_and_a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let board = StatusBoard::new(&Config::default(), Arc::clone(&clock));
        let model = DetectorModel::builtin().unwrap().manifest().clone();
        let incident = |n: u32| Incident { id: format!("pump-1-{n}"), ..fixtures::incident() };
        let known = || board.report().models_drift.first().map(|drift| drift.compared[0].known);
        let open = || Answers::open(folder.path(), Arc::clone(&board), Arc::clone(&clock)).unwrap();
        let mut answers = open();
        assert_eq!(known(), None);
        for n in 0..21 {
            // Opened, updated, closed.
            (0..3).for_each(|_| answers.push(&model, &incident(n), Some(0.9)));
        }
        assert!((known().unwrap() - 0.1).abs() < 1e-9);
        open().push(&model, &incident(21), None);
        assert!(known().unwrap() > 0.1);
        let path = folder.path().join(DRIFT).join(FILE);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(open().drift, AnswerDrift::default(), "cut at {cut}");
        }
    }
}
