//! Runs a recording through a cold pipeline, from a start row to the end of its last event.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::labels::Event;
use super::protocol::{Mark, Trial};
use super::starts::start_rows;
use crate::config::{Config, DeviceConfig};
use crate::detect::model::DetectorModel;
use crate::detect::{Phase, Verdict};
use crate::pipeline::{DevicePipeline, Output, PipelineError};
use crate::source::{Batch, Sink, Source, SourceError};
use crate::time::Timestamp;

/// A window's end is exclusive: the last moment it holds is this much earlier.
const RESOLUTION: Duration = Duration::from_micros(1);

/// A recording and where its events are.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The file.
    pub file: PathBuf,
    /// Its events in the order of time; none in a normal recording.
    pub events: Vec<Event>,
}

/// Which trial to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the recording among those scored.
    pub recording: usize,
    /// Position of the start among those tried.
    pub start: usize,
    /// Rows left out at the beginning; fewer when the first event comes earlier.
    pub skip: u64,
}

/// Why a trial cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The recording cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The device's pipeline cannot be built.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// What all trials share.
pub struct Runner<'a> {
    /// The device that the recordings are of.
    pub device: &'a DeviceConfig,
    /// Everything else that is set.
    pub config: &'a Config,
    /// The detector's model.
    pub model: &'a DetectorModel,
    /// Distance between two windows.
    pub tick: Duration,
}

impl Runner<'_> {
    /// Runs one trial; `watch` sees every verdict.
    ///
    /// # Errors
    /// When the recording cannot be read or the pipeline cannot be built.
    pub fn run(
        &self,
        events: &[Event],
        source: &mut dyn Source,
        place: Place,
        watch: &mut dyn FnMut(&Verdict),
    ) -> Result<Trial, TrialError> {
        let mut feed = Feed {
            pipeline: DevicePipeline::new(self.device, self.config, self.model)?,
            skip: place.skip,
            first_onset: events.first().map(|event| event.onset),
            cut: events.last().map(|event| event.end),
            began: None,
            newest: Timestamp::EPOCH,
            marks: Vec::new(),
            watch,
        };
        source.run(&mut feed)?;
        Ok(Trial {
            recording: place.recording,
            start: place.start,
            began: feed.began.unwrap_or(Timestamp::EPOCH),
            tick: self.tick,
            events: events.to_vec(),
            marks: feed.marks,
        })
    }
}

/// Hands rows to the pipeline and notes what was known when.
struct Feed<'a> {
    pipeline: DevicePipeline,
    skip: u64,
    first_onset: Option<Timestamp>,
    cut: Option<Timestamp>,
    began: Option<Timestamp>,
    newest: Timestamp,
    marks: Vec<Mark>,
    watch: &'a mut dyn FnMut(&Verdict),
}

impl Sink for Feed<'_> {
    fn accept(&mut self, batch: Batch) -> ControlFlow<()> {
        let time = batch.samples.iter().map(|sample| sample.time).max();
        let event_begins = time.zip(self.first_onset).is_some_and(|(time, onset)| onset <= time);
        if self.skip > 0 && !event_begins {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        self.skip = 0;
        if let Some(time) = time {
            if self.cut.is_some_and(|cut| cut <= time) {
                return ControlFlow::Break(());
            }
            self.newest = if self.began.is_none() { time } else { self.newest.max(time) };
            self.began.get_or_insert(time);
        }
        let (known, marks, watch) = (self.newest, &mut self.marks, &mut self.watch);
        // The end of the recording is not an answer: what alignment still holds back stays there.
        self.pipeline.accept(&batch, &mut |output| {
            if let Output::Scored { verdict, .. } = output {
                watch(verdict);
                marks.push(Mark {
                    seen: verdict.time.minus(RESOLUTION),
                    known,
                    watching: verdict.phase == Phase::Watching,
                    alarm: verdict.alarm,
                });
            }
        });
        ControlFlow::Continue(())
    }
}

/// How the trials of one evaluation are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Trials of each recording, each from a start row of its own.
    pub starts: u32,
    /// The first rows of a recording, among which its start rows are drawn.
    pub start_rows: u32,
    /// Seed of the start rows and of the random detector.
    pub seed: u64,
    /// Delay up to which an event was found soon.
    pub within: Duration,
}

/// Opens a recording's file.
pub type Open<'a> = dyn Fn(&Path) -> Box<dyn Source> + 'a;

/// Takes a verdict of the trial at a place.
pub type Watch<'a> = dyn FnMut(Place, &Verdict) + 'a;

impl Runner<'_> {
    /// Runs every trial of the plan; `watch` sees every verdict, `done` how many trials have ended.
    ///
    /// # Errors
    /// As for [`Runner::run`].
    pub fn run_all(
        &self,
        recordings: &[Recording],
        plan: Plan,
        open: &Open<'_>,
        watch: &mut Watch<'_>,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Trial>, TrialError> {
        let mut trials = Vec::new();
        for (at, recording) in recordings.iter().enumerate() {
            let rows = start_rows(plan.seed, at, plan.starts, plan.start_rows);
            for (start, skip) in rows.into_iter().enumerate() {
                let place = Place { recording: at, start, skip };
                let mut source = open(&recording.file);
                let mut watch = |verdict: &Verdict| watch(place, verdict);
                trials.push(self.run(&recording.events, source.as_mut(), place, &mut watch)?);
                done(trials.len());
            }
        }
        Ok(trials)
    }
}
