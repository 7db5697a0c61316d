//! Files become one table; what is wrong is named with file, line and key.

use toml::Spanned;

use super::file::{self, File};
use super::{Effect, Kind, Machine, Meaning, Mode, Movement, Place, Quantity, Scope, Size, Table};
use crate::diagnosis::words::{fold, fold_unit, split};
use crate::diagnosis::{DiagnosisError, TableFile, UNKNOWN};

/// The version of the form.
const VERSION: u32 = 1;
/// More would make a call of the scorer long.
const MODES: usize = 512;
const EFFECTS: usize = 24;
/// Causes and checks stand inside sentences.
const WORDS: usize = 12;

impl Table {
    /// Reads files in their order, each adding to those before it.
    ///
    /// # Errors
    /// Names the file, the line and the key of what is wrong.
    pub fn read(files: &[TableFile<'_>]) -> Result<Self, DiagnosisError> {
        let mut table = Table::default();
        for file in files {
            table
                .add(file.text)
                .map_err(|problem| DiagnosisError::Table { file: file.name.to_owned(), problem })?;
        }
        if table.modes.is_empty() {
            let file = files.last().map_or("signatures", |file| file.name).to_owned();
            return Err(DiagnosisError::Table { file, problem: "line 1: mode: there is none".into() });
        }
        Ok(table)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            format!("line {line}: {}", error.message())
        })?;
        let at = |span: std::ops::Range<usize>, problem: String| {
            format!("line {}: {problem}", line_of(text, span.start))
        };
        if *file.version.get_ref() != VERSION {
            return Err(at(file.version.span(), format!("version: this agent reads version {VERSION}")));
        }
        self.add_names(&file).map_err(|wrong| at(wrong.0, wrong.1))?;
        self.add_machines(&file).map_err(|wrong| at(wrong.0, wrong.1))?;
        for mode in &file.mode {
            self.add_mode(mode).map_err(|wrong| at(wrong.0, wrong.1))?;
        }
        for phrases in &file.phrases {
            let id = phrases.mode.get_ref();
            let Some(mode) = self.modes.iter_mut().find(|mode| mode.id == *id) else {
                return Err(at(phrases.mode.span(), format!("phrases.mode: there is no mode {id:?}")));
            };
            let composed = phrases
                .parts
                .iter()
                .flat_map(|part| phrases.states.iter().map(move |state| format!("{part} {state}")));
            mode.phrases.extend(phrases.texts.iter().cloned().chain(composed));
        }
        file.known.iter().flat_map(|word| split(word)).for_each(|word| self.words.know(&word));
        self.filler.extend(file.filler.iter().flat_map(|word| split(word)));
        Ok(())
    }

    fn add_names(&mut self, file: &File) -> Result<(), Wrong> {
        once(file.quantity.iter().map(|quantity| &quantity.id), "quantity.id")?;
        once(file.place.iter().map(|place| &place.id), "place.id")?;
        for quantity in &file.quantity {
            let id = named(&quantity.id, "quantity.id")?;
            let place = self.quantities.iter().position(|known| known.id == id).unwrap_or_else(|| {
                let (units, also, isa) = (Vec::new(), Vec::new(), String::new());
                self.quantities.push(Quantity { id: id.to_owned(), units, also, isa });
                self.quantities.len() - 1
            });
            let known = &mut self.quantities[place];
            known.units.extend(quantity.units.iter().map(|unit| fold_unit(unit)));
            known.also.extend(quantity.also.iter().map(|unit| fold_unit(unit)));
            if !quantity.isa.is_empty() {
                known.isa = fold(&quantity.isa);
            }
            let words = quantity.words.iter().map(String::as_str);
            words.chain([id]).for_each(|words| self.words.add(words, Meaning::Quantity(place)));
        }
        for place in &file.place {
            let id = named(&place.id, "place.id")?;
            let at = self.places.iter().position(|known| known.id == id).unwrap_or_else(|| {
                self.places.push(Place { id: id.to_owned(), general: false });
                self.places.len() - 1
            });
            self.places[at].general |= place.general;
            let words = place.words.iter().map(String::as_str);
            words.chain([id]).for_each(|words| self.words.add(words, Meaning::Place(at)));
        }
        Ok(())
    }

    fn add_machines(&mut self, file: &File) -> Result<(), Wrong> {
        once(file.machine.iter().map(|machine| &machine.id), "machine.id")?;
        for machine in &file.machine {
            let id = named(&machine.id, "machine.id")?;
            let mut channels = Vec::new();
            for channel in &machine.channels {
                channels.push(
                    self.kind(channel.get_ref()).map_err(|p| (channel.span(), format!("channels: {p}")))?,
                );
            }
            let place = self.machines.iter().position(|known| known.id == id).unwrap_or_else(|| {
                self.machines.push(Machine { id: id.to_owned(), channels: Vec::new() });
                self.machines.len() - 1
            });
            self.machines[place].channels.extend(channels);
            for words in machine.words.iter().map(String::as_str).chain([id]) {
                self.machine_words.add(words, place);
                split(words).iter().for_each(|word| self.words.know(word));
            }
        }
        Ok(())
    }

    fn add_mode(&mut self, mode: &file::Mode) -> Result<(), Wrong> {
        let id = named(&mode.id, "mode.id")?;
        if id == UNKNOWN || self.modes.iter().any(|known| known.id == id) {
            return Err((mode.id.span(), format!("mode.id: {id:?} is there already")));
        }
        if self.modes.len() == MODES {
            return Err((mode.id.span(), format!("mode: there are more than {MODES}")));
        }
        let mut machines = Vec::new();
        for machine in &mode.machines {
            let place = self.machines.iter().position(|known| known.id == *machine.get_ref());
            machines.push(place.ok_or_else(|| {
                (machine.span(), format!("mode.machines: there is no machine {:?}", machine.get_ref()))
            })?);
        }
        let scope = match mode.scope.as_ref().map(|scope| (scope.get_ref().as_str(), scope)) {
            None => Scope::Part,
            Some(("sensor", _)) => Scope::Sensor,
            Some(("machine", _)) => Scope::Machine,
            Some((_, scope)) => {
                return Err((scope.span(), "mode.scope: must be \"sensor\" or \"machine\"".into()));
            }
        };
        let (cause, check) = (said(&mode.cause, "mode.cause")?, said(&mode.check, "mode.check")?);
        if mode.effects.is_empty() || mode.effects.len() > EFFECTS {
            return Err((mode.id.span(), format!("mode.effects: must be 1 to {EFFECTS}")));
        }
        let mut effects: Vec<Effect> = Vec::new();
        for row in &mode.effects {
            let effect =
                self.effect(row.get_ref(), scope).map_err(|p| (row.span(), format!("mode.effects: {p}")))?;
            if effects.iter().any(|known| known.kind == effect.kind) {
                return Err((row.span(), format!("mode.effects: {:?} is there twice", row.get_ref().0)));
            }
            effects.push(effect);
        }
        let (benign, phrases) = (mode.benign, mode.phrases.clone());
        self.modes.push(Mode { id: id.to_owned(), machines, scope, benign, cause, check, effects, phrases });
        Ok(())
    }

    fn effect(&mut self, row: &file::Effect, scope: Scope) -> Result<Effect, String> {
        let file::Effect(channel, movement, size, order, forms, seen) = row;
        let kind = match (scope, channel.as_str()) {
            (Scope::Part, channel) => self.kind(channel)?,
            (Scope::Sensor, "any") | (Scope::Machine, "every") => usize::MAX,
            (Scope::Sensor, _) => return Err("the channel of a sensor's mode must be \"any\"".into()),
            (Scope::Machine, _) => {
                return Err("the channel of a whole machine's mode must be \"every\"".into());
            }
        };
        let movement = match movement.as_str() {
            "up" => Movement::Up,
            "down" => Movement::Down,
            "swing" => Movement::Swing,
            "spikes" => Movement::Spikes,
            "stuck" => Movement::Stuck,
            "silent" => Movement::Silent,
            other => {
                return Err(format!(
                    "found the movement {other:?}, expected up, down, swing, spikes, stuck or silent"
                ));
            }
        };
        let size = match size.as_str() {
            "slight" => Size::Slight,
            "clear" => Size::Clear,
            "strong" => Size::Strong,
            "extreme" => Size::Extreme,
            other => {
                return Err(format!("found the size {other:?}, expected slight, clear, strong or extreme"));
            }
        };
        if *order == 0 {
            return Err("the order counts from 1".into());
        }
        if !(*seen > 0.0 && *seen <= 1.0) {
            return Err(format!("found {seen} for how often it is seen, expected a share above 0 to 1"));
        }
        let (mut step, mut ramp) = (false, false);
        for form in forms.split_whitespace() {
            match form {
                "step" => step = true,
                "ramp" => ramp = true,
                other => return Err(format!("found the form {other:?}, expected step or ramp")),
            }
        }
        Ok(Effect { kind, movement, size, order: *order, step, ramp, seen: *seen })
    }

    /// The place of the kind that is written as `quantity` or `quantity@place`.
    fn kind(&mut self, text: &str) -> Result<usize, String> {
        let (quantity, place) = text.split_once('@').map_or((text, None), |(q, p)| (q, Some(p)));
        let known = self.quantities.iter().position(|known| known.id == quantity);
        let quantity = known.ok_or_else(|| format!("there is no quantity {quantity:?}"))?;
        let place = match place {
            None => None,
            Some(place) => {
                let known = self.places.iter().position(|known| known.id == place);
                Some(known.ok_or_else(|| format!("there is no place {place:?}"))?)
            }
        };
        let kind = Kind { quantity, place };
        Ok(self.kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        }))
    }
}

/// Where it is wrong, and what.
type Wrong = (std::ops::Range<usize>, String);

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

fn named<'a>(id: &'a Spanned<String>, key: &str) -> Result<&'a str, Wrong> {
    let name = id.get_ref();
    let fits = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if name.is_empty() || !fits {
        return Err((id.span(), format!("{key}: {name:?} must be of the letters a to z and _")));
    }
    Ok(name)
}

fn once<'a>(ids: impl Iterator<Item = &'a Spanned<String>>, key: &str) -> Result<(), Wrong> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id.get_ref()) {
            return Err((id.span(), format!("{key}: {:?} is there twice", id.get_ref())));
        }
    }
    Ok(())
}

/// Words that a sentence may say. Promise 4: without digits, for they would be numbers that no
/// evidence has.
fn said(text: &Spanned<String>, key: &str) -> Result<String, Wrong> {
    let wrong = |problem: &str| Err((text.span(), format!("{key}: {problem}")));
    let words: Vec<&str> = text.get_ref().split_whitespace().collect();
    if words.is_empty() || words.len() > WORDS {
        return wrong(&format!("must be 1 to {WORDS} words"));
    }
    if text.get_ref().chars().any(char::is_numeric) {
        return wrong("must be without digits: a summary states no number that is not in its evidence");
    }
    if text.get_ref().chars().any(|letter| letter.is_control() || matches!(letter, '<' | '>')) {
        return wrong("must be plain words on one line");
    }
    Ok(words.join(" "))
}
