//! Wires the rooms of one device: samples go in, verdicts, aggregates and incidents come out.
//!
//! Pure: it knows no clock, disk or network, so a recording replayed twice gives the same
//! outputs twice, and `run`, `replay` and `eval` see the same machine.

use serde::{Deserialize, Serialize};

use crate::config::{Config, DeviceConfig};
use crate::detect::detector::{DetectError, Detector, DetectorModel, DetectorSettings};
use crate::detect::{Phase, Verdict};
use crate::incident::Incident;
use crate::incident::tracker::IncidentTracker;
use crate::signal::aggregate::Aggregator;
use crate::signal::align::{AlignEvent, Aligner, InputCounts};
use crate::signal::geometry::{Geometry, GeometryError};
use crate::signal::window::Windower;
use crate::signal::{Aggregate, Window};
use crate::source::Batch;
use crate::time::Timestamp;

/// What comes out of a device's pipeline, in the order of its time.
#[derive(Debug)]
pub enum Output<'a> {
    /// A window was scored.
    Scored {
        /// What was scored.
        window: &'a Window,
        /// What the detector says.
        verdict: &'a Verdict,
    },
    /// An aggregation interval is complete.
    Aggregate(Aggregate),
    /// An incident was opened, updated or closed.
    Incident(Incident),
}

/// Why a device's pipeline cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Its timing does not work out.
    #[error("device `{device}`: {cause}")]
    Geometry {
        /// The device's id.
        device: String,
        /// Which key, and what is allowed.
        cause: GeometryError,
    },
    /// Its detector cannot be built.
    #[error("device `{device}`: {cause}")]
    Detect {
        /// The device's id.
        device: String,
        /// What is wrong with the model or its settings.
        cause: DetectError,
    },
}

/// The rooms of one device, from alignment to incidents.
pub struct DevicePipeline {
    aligner: Aligner,
    stages: Stages,
}

/// Everything behind the aligner; apart so that the aligner can hand frames on while it is borrowed.
struct Stages {
    windower: Windower,
    aggregator: Aggregator,
    detector: Detector,
    tracker: IncidentTracker,
}

/// What of a pipeline survives a restart.
#[derive(Serialize, Deserialize)]
struct Saved {
    detector: Vec<u8>,
    tracker: Vec<u8>,
}

impl DevicePipeline {
    /// Builds the pipeline of one device.
    ///
    /// # Errors
    /// When the device's timing does not work out or the model does not fit.
    pub fn new(device: &DeviceConfig, config: &Config, model: &DetectorModel) -> Result<Self, PipelineError> {
        let geometry = Geometry::of(device)
            .map_err(|cause| PipelineError::Geometry { device: device.id.clone(), cause })?;
        let settings = Self::detector_settings(device, config)?;
        let detector = Detector::new(model, &settings)
            .map_err(|cause| PipelineError::Detect { device: device.id.clone(), cause })?;
        let ranges = device.channels.iter().map(|c| (c.min, c.max)).collect();
        let statistics = device.channels.iter().map(|c| c.statistic).collect();
        Ok(DevicePipeline {
            aligner: Aligner::new(geometry.period, geometry.lateness, ranges),
            stages: Stages {
                windower: Windower::new(
                    geometry.window_frames,
                    geometry.hop_frames,
                    geometry.period,
                    statistics,
                ),
                aggregator: Aggregator::new(
                    config.publish.aggregate_interval.0,
                    geometry.period,
                    device.channels.len(),
                ),
                detector,
                tracker: IncidentTracker::new(device, &config.incident, geometry.tick()),
            },
        })
    }

    /// What a detector of this device must know about it.
    ///
    /// # Errors
    /// When the device's timing does not work out.
    pub fn detector_settings(
        device: &DeviceConfig,
        config: &Config,
    ) -> Result<DetectorSettings, PipelineError> {
        let geometry = Geometry::of(device)
            .map_err(|cause| PipelineError::Geometry { device: device.id.clone(), cause })?;
        Ok(DetectorSettings {
            channels: device.channels.len(),
            tick: geometry.tick(),
            false_alarms_per_day: config.detect.false_alarms_per_day,
            commissioning_windows: config.detect.commissioning_windows,
        })
    }

    /// Takes what a source delivered at once.
    pub fn accept(&mut self, batch: &Batch, out: &mut dyn FnMut(Output<'_>)) {
        for &(channel, reason) in &batch.rejected {
            self.aligner.reject(channel, reason);
        }
        let stages = &mut self.stages;
        for sample in &batch.samples {
            self.aligner.accept(sample, &mut |event| stages.take(event, out));
        }
    }

    /// Closes the frames of a device that has gone silent; `now` is the wall clock.
    pub fn advance(&mut self, now: Timestamp, out: &mut dyn FnMut(Output<'_>)) {
        let stages = &mut self.stages;
        self.aligner.advance(now, &mut |event| stages.take(event, out));
    }

    /// Ends the input: open frames and the open interval are handed out.
    pub fn finish(&mut self, out: &mut dyn FnMut(Output<'_>)) {
        let stages = &mut self.stages;
        self.aligner.flush(&mut |event| stages.take(event, out));
        if let Some(aggregate) = self.stages.aggregator.flush() {
            out(Output::Aggregate(aggregate));
        }
    }

    /// What came in, by channel and reason.
    pub fn counts(&self) -> &InputCounts {
        self.aligner.counts()
    }

    /// The incident that is open now.
    pub fn open_incident(&self) -> Option<&Incident> {
        self.stages.tracker.open()
    }

    /// The detector, for feedback.
    pub fn detector_mut(&mut self) -> &mut Detector {
        &mut self.stages.detector
    }

    /// The detector, for its figures.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.stages.detector
    }

    /// Lets another detector take over between two windows, with what was learnt so far.
    pub fn replace_detector(&mut self, mut detector: Detector) {
        detector.succeed(&self.stages.detector);
        self.stages.detector = detector;
    }

    /// What must survive a restart: the detector's calibration and the open incident.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let saved =
            Saved { detector: self.stages.detector.snapshot(), tracker: self.stages.tracker.snapshot() };
        postcard::to_stdvec(&saved).unwrap_or_default()
    }

    /// Continues from a snapshot.
    ///
    /// # Errors
    /// In words, why it does not fit this device and model; the pipeline then starts afresh.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|e| format!("unreadable: {e}"))?;
        self.stages.detector.restore(&saved.detector).map_err(|e| e.to_string())?;
        self.stages.tracker.restore(&saved.tracker).map_err(|e| e.to_string())
    }
}

impl Stages {
    fn take(&mut self, event: AlignEvent, out: &mut dyn FnMut(Output<'_>)) {
        let frame = match event {
            AlignEvent::Frame(frame) => frame,
            AlignEvent::Gap { .. } => {
                self.windower.reset();
                return;
            }
        };
        if let Some(aggregate) = self.aggregator.push(&frame) {
            out(Output::Aggregate(aggregate));
        }
        if let Some(window) = self.windower.push(frame) {
            let verdict = self.detector.push(&window);
            if verdict.phase == Phase::Watching {
                self.aggregator.score(verdict.score);
            }
            out(Output::Scored { window: &window, verdict });
            if let Some(incident) = self.tracker.observe(&window, verdict) {
                out(Output::Incident(incident));
            }
        }
    }
}
