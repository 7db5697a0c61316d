//! `lineside-ota audit`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::screen;
use crate::audit::{self, Head};
use crate::db::Database;

/// Entries printed at most, unless asked for more.
const SHOWN: i64 = 1000;

/// The arguments of `audit`.
#[derive(Args, Clone, Debug)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Check the whole chain and print its head; exit code 1 names the first entry that is broken
    Verify {
        /// The server's state folder; the server may be running
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// A head that an earlier check printed, to find a log that was cut or made anew
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<String>,
    },
    /// Print entries, one JSON object a line
    Show {
        /// The server's state folder; the server may be running
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// Only those after this number
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
}

impl Audit {
    pub(super) fn run(self) -> anyhow::Result<()> {
        run(&self)
    }
}

fn run(args: &Audit) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &args.command {
            Command::Verify { state, head } => {
                let kept = head.as_deref().map(parse_head).transpose()?;
                let database = Database::open_to_read(state).await?;
                match audit::verify(database.pool(), kept.as_ref()).await? {
                    Ok(head) => {
                        screen::line(&format!("ok, {} entries, head {}:{}", head.seq, head.seq, head.hash));
                        Ok(())
                    }
                    Err(broken) => Err(broken.into()),
                }
            }
            Command::Show { state, after } => {
                let database = Database::open_to_read(state).await?;
                for entry in audit::read(database.pool(), *after, SHOWN).await? {
                    screen::line(&serde_json::to_string(&entry)?);
                }
                Ok(())
            }
        }
    })
}

fn parse_head(text: &str) -> anyhow::Result<Head> {
    let (seq, hash) =
        text.split_once(':').context("--head: SEQ:HASH, as an earlier `audit verify` printed it")?;
    Ok(Head { seq: seq.parse().context("--head: SEQ must be a number")?, hash: hash.to_owned() })
}
