//! Colours and progress, on a terminal only: a pipe gets plain lines, and no progress at all.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Ten times a second looks smooth and costs nothing.
const REDRAW: Duration = Duration::from_millis(100);

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// With the terminal's colours.
    Colour,
    /// As it is.
    Plain,
}

impl Paint {
    /// For the standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Paint::of(io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    /// For the standard error output.
    #[must_use]
    pub fn stderr() -> Self {
        Paint::of(io::stderr().is_terminal(), |name| std::env::var(name).ok())
    }

    /// Colour on a terminal that knows it, unless `NO_COLOR` is set (see <https://no-color.org>).
    fn of(terminal: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|value| value == "dumb");
        if terminal && !refused && !dumb { Paint::Colour } else { Paint::Plain }
    }

    /// What stands out.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    /// What steps back.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// What is wrong.
    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.sgr("31", text)
    }

    /// What is right.
    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.sgr("32", text)
    }

    /// What wants attention.
    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.sgr("33", text)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        match self {
            Paint::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Paint::Plain => text.to_owned(),
        }
    }
}

/// Writes to the standard output. A reader that has gone, as in `lineside … | head`, is no error.
///
/// # Errors
/// Whatever else the system answers.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// A line that says how far long work has come, rewritten in place.
#[derive(Debug)]
pub struct Progress<W: Write> {
    out: Option<W>,
    label: String,
    total: Option<u64>,
    drawn: Option<Duration>,
}

impl Progress<io::Stderr> {
    /// On the standard error output, if that is a terminal; silent otherwise. `total` is the
    /// whole work in the units of [`Progress::update`], where it is known.
    #[must_use]
    pub fn stderr(label: impl Into<String>, total: Option<u64>) -> Self {
        Progress::new(io::stderr().is_terminal().then(io::stderr), label, total)
    }
}

impl<W: Write> Progress<W> {
    /// On any writer; `None` stays silent.
    pub fn new(out: Option<W>, label: impl Into<String>, total: Option<u64>) -> Self {
        Progress { out, label: label.into(), total, drawn: None }
    }

    /// Says that `done` is done at the monotonic time `now`. Cheap to call often: it draws ten
    /// times a second at most.
    pub fn update(&mut self, done: u64, now: Duration) {
        if self.drawn.is_some_and(|drawn| now.saturating_sub(drawn) < REDRAW) {
            return;
        }
        self.drawn = Some(now);
        let line = match self.total {
            Some(total) if total > 0 => {
                let percent = u128::from(done.min(total)) * 100 / u128::from(total);
                format!("{} {percent} % ({done} of {total})", self.label)
            }
            _ => format!("{} {done}", self.label),
        };
        self.draw(&line);
    }

    /// Removes the line, so that what follows starts on a clean one.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            self.draw("");
        }
    }

    fn draw(&mut self, line: &str) {
        if let Some(out) = &mut self.out {
            // Progress is a courtesy: a terminal that has gone must not stop the work.
            let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_appear_only_on_a_terminal_that_wants_them() {
        let none = |_: &str| None;
        assert_eq!(Paint::of(true, none), Paint::Colour);
        assert_eq!(Paint::of(false, none), Paint::Plain);
        assert_eq!(Paint::of(true, |name| (name == "NO_COLOR").then(|| "1".to_owned())), Paint::Plain);
        assert_eq!(Paint::of(true, |name| (name == "NO_COLOR").then(String::new)), Paint::Colour);
        assert_eq!(Paint::of(true, |name| (name == "TERM").then(|| "dumb".to_owned())), Paint::Plain);
        assert_eq!(Paint::Plain.red("x"), "x");
        assert_eq!(Paint::Colour.red("x"), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn progress_is_drawn_in_place_and_not_too_often() {
        let mut out = Vec::new();
        {
            let mut progress = Progress::new(Some(&mut out), "rows", Some(200));
            progress.update(50, Duration::ZERO);
            progress.update(60, REDRAW / 2);
            progress.update(100, REDRAW);
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\r\x1b[Krows 25 % (50 of 200)\r\x1b[Krows 50 % (100 of 200)\r\x1b[K"
        );
    }

    #[test]
    fn progress_is_silent_in_a_pipe() {
        let mut progress = Progress::<Vec<u8>>::new(None, "rows", None);
        progress.update(1, Duration::ZERO);
        progress.clear();
        assert!(progress.out.is_none());
    }
}
