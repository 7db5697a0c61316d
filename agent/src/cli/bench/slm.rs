//! `lineside bench slm`: what a language model costs on this machine.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use lineside_bundle::{Bundle, Manifest};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;

use super::figures::{Figures, Step, page};
use crate::cli::exit::Exit;
use crate::cli::terminal::{Paint, Progress, print};
use crate::clock::{Clock, SystemClock};
use crate::slm::decode::{self, Settings};
use crate::slm::model::{self, Decoder, Encoder, LoadOptions, Loaded, Token};
use crate::slm::tokenizer::Tokenizer;
use crate::status::peak_bytes;

/// Tokens of the prompt: the evidence of an incident with several channels.
const PROMPT: usize = 128;
/// Tokens of the answer: two sentences.
const ANSWER: usize = 60;
/// Tokens that are written one by one behind the prompt.
const WRITTEN: usize = 64;

#[derive(Debug, Args)]
pub(in crate::cli) struct SlmArgs {
    /// A bundle: a tar or a folder.
    file: PathBuf,
    /// Run on tract's own operators alone, for comparison.
    #[arg(long)]
    plain: bool,
    /// Threads that the model may use.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// How often each step is measured.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SlmArgs) -> Result<ExitCode> {
    let clock = SystemClock::new();
    let figures = measure(args, &clock, &mut Progress::stderr("runs", None))?;
    print(&match args.json {
        true => format!("{}\n", serde_json::to_string_pretty(&figures)?),
        false => page(&figures, Paint::stdout()),
    })?;
    Ok(Exit::Ok.into())
}

fn measure<W: std::io::Write>(
    args: &SlmArgs,
    clock: &dyn Clock,
    progress: &mut Progress<W>,
) -> Result<Figures> {
    let began = clock.monotonic();
    let bundle = Bundle::at(&args.file)?;
    let manifest = bundle.manifest().clone();
    let tokenizer = bundle.tokenizer().context("the bundle is no language model: it has no tokenizer")?;
    let tokenizer = Tokenizer::from_bytes(tokenizer)?;
    let options = LoadOptions { threads: args.threads as usize, plain: args.plain, ..LoadOptions::default() };
    let loaded = model::load(bundle, &options)?;
    let load_ms = (clock.monotonic() - began).as_secs_f64() * 1e3;
    let mut bench = Bench { runs: args.runs as usize, clock, tokenizer: &tokenizer, progress, done: 0 };
    let (steps, model_bytes) = match &loaded {
        Loaded::Decoder(decoder) => (bench.decoder(&**decoder)?, decoder.memory_bytes()),
        Loaded::Encoder(encoder) => (bench.encoder(&**encoder)?, encoder.memory_bytes()),
    };
    bench.progress.clear();
    let Manifest { name: model, version, .. } = manifest;
    let (threads, plain) = (args.threads, args.plain);
    Ok(Figures { model, version, threads, plain, load_ms, steps, model_bytes, peak_bytes: peak_bytes() })
}

struct Bench<'a, W: std::io::Write> {
    runs: usize,
    clock: &'a dyn Clock,
    tokenizer: &'a Tokenizer,
    progress: &'a mut Progress<W>,
    done: u64,
}

impl<W: std::io::Write> Bench<'_, W> {
    /// Reading a prompt, writing tokens behind it, and a whole answer. The first run of each, which
    /// finds nothing in the processor's caches, counts for none of them.
    fn decoder(&mut self, decoder: &dyn Decoder) -> Result<Vec<Step>> {
        let context = decoder.context();
        ensure!(context >= 8, "a context of {context} tokens is too short to measure");
        // A short context is shared out in the same parts.
        let prompt = PROMPT.min(context / 2);
        let (written, answer) = (WRITTEN.min(context - prompt), ANSWER.min(context - prompt));
        let tokens = self.tokens(decoder.vocabulary(), prompt + written)?;
        let (prompt_tokens, written_tokens) = tokens.split_at(prompt);
        let (mut read, mut wrote, mut answered) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..=self.runs {
            let mut conversation = decoder.converse()?;
            let took = self.time(|| conversation.feed(prompt_tokens, &|| true))?;
            let each: Vec<_> = written_tokens
                .iter()
                .map(|token| self.time(|| conversation.feed(std::slice::from_ref(token), &|| true)))
                .collect::<Result<_>>()?;
            if run > 0 {
                read.push(took);
                wrote.extend(each);
            }
        }
        let settings = Settings { max_tokens: answer, ..Settings::default() };
        for run in 0..=self.runs {
            let mut conversation = decoder.converse()?;
            let request = decode::Request {
                tokenizer: self.tokenizer,
                prompt: prompt_tokens,
                // Nothing ends it early: every answer is as long as the others.
                end: &[],
                settings: &settings,
                clock: self.clock,
            };
            let took = self.time(|| {
                decode::generate(&mut *conversation, &request, None, &mut |_| ControlFlow::Continue(()))
            })?;
            if run > 0 {
                answered.push(took);
            }
        }
        Ok(vec![
            Step::of("read a prompt", prompt, 0, read),
            Step::of("write a token", 1, prompt, wrote),
            Step::of("answer", answer, prompt, answered),
        ])
    }

    fn encoder(&mut self, encoder: &dyn Encoder) -> Result<Vec<Step>> {
        let length = PROMPT.min(encoder.context());
        let tokens = self.tokens(encoder.vocabulary(), length)?;
        let took: Vec<_> =
            (0..=self.runs).map(|_| self.time(|| encoder.encode(&tokens))).collect::<Result<_>>()?;
        Ok(vec![Step::of("read a text", length, 0, took[1..].to_vec())])
    }

    fn time<T, E>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<Duration>
    where
        anyhow::Error: From<E>,
    {
        let began = self.clock.monotonic();
        work()?;
        let ended = self.clock.monotonic();
        self.done += 1;
        self.progress.update(self.done, ended);
        Ok(ended - began)
    }

    /// Tokens that always are the same: what is said costs nothing, how much does.
    fn tokens(&self, vocabulary: usize, count: usize) -> Result<Vec<Token>> {
        let plain = (0..vocabulary as Token).filter(|&token| !self.tokenizer.is_special(token));
        let plain: Vec<Token> = plain.collect();
        ensure!(!plain.is_empty(), "the tokenizer has special tokens alone: nothing can be said");
        let mut random = Pcg32::seed_from_u64(0);
        Ok((0..count).map(|_| plain[random.random_range(0..plain.len())]).collect())
    }
}

#[cfg(test)]
mod tests {
    use lineside_random_models::{Made, Shape, Vocabulary};

    use super::*;

    fn steps(made: &Made) -> Vec<(&'static str, usize)> {
        let folder = tempfile::tempdir().unwrap();
        made.write(folder.path()).unwrap();
        let args = SlmArgs { file: folder.path().into(), plain: false, threads: 1, runs: 2, json: false };
        let mut silent = Progress::<Vec<u8>>::new(None, "runs", None);
        let figures = measure(&args, &SystemClock::new(), &mut silent).unwrap();
        assert!(figures.load_ms > 0.0 && figures.model_bytes > 0 && figures.peak_bytes > Some(0));
        assert!(figures.steps.iter().all(|step| step.p50_ms > 0.0 && step.p99_over_p50 >= 1.0));
        figures.steps.iter().map(|step| (step.step, step.runs)).collect()
    }

    #[test]
    fn a_model_that_writes_is_measured_step_by_step() {
        let made = Made::decoder(&Shape { context: 40, ..Shape::default() });
        assert_eq!(steps(&made), [("read a prompt", 2), ("write a token", 40), ("answer", 2)]);
    }

    #[test]
    fn a_model_that_reads_is_measured_too() {
        assert_eq!(steps(&Made::encoder(&Vocabulary::default())), [("read a text", 2)]);
    }
}
