//! `lineside generate`: what follows a text, or answers it, while it is written.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use tokio::sync::mpsc::unbounded_channel;

use super::OneModel;
use crate::cli::exit::Exit;
use crate::config::slm::TasksConfig;
use crate::slm::runtime::{Form, Generation, Message, Prompt, Request, Role, Sampling};

#[derive(Debug, Args)]
pub(in crate::cli) struct GenerateArgs {
    #[command(flatten)]
    model: OneModel,
    /// What is to be continued; `-` reads the standard input.
    #[arg(long, short, value_name = "TEXT|-", default_value = "-")]
    prompt: String,
    /// Answer the prompt as a message of a conversation, by the bundle's chat template.
    #[arg(long)]
    chat: bool,
    /// What the conversation is to keep to.
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// Most tokens of the answer.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// 0 takes the most likely token, 1 chooses as the model weighs them.
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    temperature: f32,
    /// Choose among so many of the most likely tokens; 0 among all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    top_k: u32,
    /// Choose among the most likely tokens that together have this probability.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f32,
    /// Above 1 avoids what was said.
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// The same seed chooses the same tokens.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End the answer before this text; may be repeated.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Write JSON that keeps the JSON Schema in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "grammar")]
    json_schema: Option<PathBuf>,
    /// Write a text of the Lark grammar in this file.
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
}

pub(super) fn run(args: &GenerateArgs) -> Result<ExitCode> {
    let mut tasks = TasksConfig::default();
    tasks.generate.model = Some(args.model.model.clone());
    let (sender, mut pieces) = unbounded_channel();
    let request = Request::Generate(Box::new(args.generation()?));
    let asked = args.model.ask(tasks, request, Some(sender))?;
    let mut out = io::stdout().lock();
    while let Some(piece) = pieces.blocking_recv() {
        match out.write_all(piece.as_bytes()).and_then(|()| out.flush()) {
            // The reader has gone, as in `lineside generate … | head`: dropping what was asked stops it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Ok.into()),
            result => result?,
        }
    }
    asked.wait()?;
    match writeln!(out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Ok.into()),
    }
}

impl GenerateArgs {
    fn generation(&self) -> Result<Generation> {
        let text = match self.prompt.as_str() {
            "-" => super::text("-".as_ref())?,
            text => text.to_owned(),
        };
        let prompt = match self.chat {
            false => Prompt::Text(text),
            true => {
                let say = |role, content| Message { role, content };
                let system = self.system.clone().map(|text| say(Role::System, text));
                Prompt::Chat(system.into_iter().chain([say(Role::User, text)]).collect())
            }
        };
        let sampling = Sampling {
            max_tokens: self.max_tokens,
            temperature: Some(self.temperature),
            top_k: Some(self.top_k),
            top_p: Some(self.top_p),
            repetition_penalty: Some(self.repetition_penalty),
            seed: self.seed,
            stop: self.stop.clone(),
        };
        Ok(Generation { prompt, sampling, form: self.form()? })
    }

    fn form(&self) -> Result<Form> {
        if let Some(file) = &self.json_schema {
            let schema = serde_json::from_str(&super::text(file)?);
            return Ok(Form::JsonSchema(schema.with_context(|| format!("{}: no JSON", file.display()))?));
        }
        match &self.grammar {
            Some(file) => Ok(Form::Grammar(super::text(file)?)),
            None => Ok(Form::Free),
        }
    }
}
