//! What a channel measures and where; what kind of machine it is on.

use super::table::{Kind, Meaning, Table};
use super::words::{Found, fold_unit, split};
use crate::incident::sentence::ChannelNames;

/// A unit alone, without a word that says the same.
const UNIT_ALONE: f32 = 0.95;
/// A unit that several quantities have.
const UNIT_SHARED: f32 = 0.6;
/// A word without a unit, or with one that is not known.
const WORD_ALONE: f32 = 0.95;
/// The letters of a tag.
const TAG: f32 = 0.85;
/// No place is named: of the kinds with this quantity, one without a place is meant …
const UNPLACED: f32 = 1.0;
/// … where there is none, the only one that the machine has …
const ONLY_ONE: f32 = 0.85;
/// … or any of them; a little even where a bare one exists.
const ANY_PLACE: f32 = 0.5;
const ANY_BESIDE_BARE: f32 = 0.2;
/// … and where there is nothing but a tag, a bare one rather than another.
const BARE_TAG: f32 = 0.6;
/// A place that nobody measures this quantity at says little: a bare kind is meant …
const ODD_PLACE: f32 = 0.95;
/// … or another place.
const ODD_ELSEWHERE: f32 = 0.3;
/// Another place than the one that is named: the bare kind.
const BARE_FOR_PLACED: f32 = 0.15;
/// … unless the machine has none at that place.
const BARE_OF_OWN: f32 = 0.4;
/// The second place that a name has, and a general one beside one that says more.
const SECOND_PLACE: f32 = 0.35;
/// What the machine does not usually have.
const UNUSUAL: f32 = 0.4;
/// Less than this is nothing.
const LEAST: f32 = 0.05;
/// Letters behind the first of an ISA-5.1 tag.
const TAG_LETTERS: &str = "itcesarywhldqz";

/// What a channel is, as far as its name, unit and description say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nature {
    /// What it measures, how surely.
    pub quantity: Option<(usize, f32)>,
    /// Where, the surest first.
    pub places: Vec<(usize, f32)>,
    /// Nothing but a tag or a unit: the place is open, not left out.
    pub wordless: bool,
}

/// Reads a channel's unit, name and description.
#[must_use]
pub fn nature(table: &Table, channel: &ChannelNames) -> Nature {
    let label = without_number(split(&channel.label));
    let name = without_number(split(&channel.name));
    let mut found = table.words.read(&label);
    let in_label = found.len();
    if name != label {
        found.extend(table.words.read(&name));
    }
    let weight = |found: &Found<Meaning>| (found.letters as f32 * found.certainty, found.end);
    let quantity_of = |found: &[Found<Meaning>], among: Option<&[usize]>| {
        let fits = found.iter().filter_map(|found| match found.meaning {
            Meaning::Quantity(quantity) if among.is_none_or(|among| among.contains(&quantity)) => {
                Some((quantity, found.certainty, weight(found)))
            }
            _ => None,
        });
        fits.max_by(|one, other| one.2.0.total_cmp(&other.2.0).then(one.2.1.cmp(&other.2.1)))
    };
    // The description says more than the name.
    let worded = |among: Option<&[usize]>| {
        quantity_of(&found[..in_label], among)
            .or_else(|| quantity_of(&found[in_label..], among))
            .map(|(quantity, certainty, _)| (quantity, certainty))
    };
    let unit = fold_unit(&channel.unit);
    let tagged = tag(table, &name).or_else(|| tag(table, &label));
    let having =
        |has: &dyn Fn(usize) -> bool| (0..table.quantities.len()).filter(|&q| has(q)).collect::<Vec<_>>();
    let decided = having(&|q| table.quantities[q].units.contains(&unit));
    let shared = having(&|q| table.quantities[q].also.contains(&unit));
    let possible: Vec<usize> = decided.iter().chain(&shared).copied().collect();
    let quantity = if let Some(agreed) = worded(Some(&possible)) {
        Some(agreed)
    } else if let Some(quantity) = tagged.filter(|quantity| possible.contains(quantity)) {
        Some((quantity, UNIT_ALONE))
    } else if let Some(&first) = decided.first() {
        Some((first, UNIT_ALONE))
    } else if let Some((quantity, certainty)) = worded(None) {
        Some((quantity, certainty * if possible.is_empty() { WORD_ALONE } else { UNIT_SHARED }))
    } else if let Some(quantity) = tagged {
        Some((quantity, TAG))
    } else {
        shared.first().map(|&first| (first, UNIT_SHARED))
    };
    Nature { quantity, places: places(table, &found), wordless: found.is_empty() }
}

/// Without the machine's letter and number that some sites begin names with: `P01_temp`, `L4.stroke`.
fn without_number(mut words: Vec<String>) -> Vec<String> {
    let digits = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    if words.len() > 2 && words[0].len() == 1 && digits(&words[1]) {
        words.drain(..2);
    }
    words
}

/// The places that words name: those that say more before general ones, the longest first.
fn places(table: &Table, found: &[Found<Meaning>]) -> Vec<(usize, f32)> {
    let mut named: Vec<(bool, f32, usize, f32)> = Vec::new();
    for one in found {
        if let Meaning::Place(place) = one.meaning
            && !named.iter().any(|known| known.2 == place)
        {
            named.push((
                table.places[place].general,
                one.letters as f32 * one.certainty,
                place,
                one.certainty,
            ));
        }
    }
    named.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    let rank = |place: usize| if place == 0 { 1.0 } else { SECOND_PLACE };
    named.iter().enumerate().map(|(place, known)| (known.2, known.3 * rank(place))).collect()
}

/// The quantity of an ISA-5.1 tag: `PT-101`, `TIC_204`, `PDT 3`.
fn tag(table: &Table, words: &[String]) -> Option<usize> {
    let numbered =
        |place: usize| words.get(place + 1).is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit()));
    let is_tag = |place: &usize| numbered(*place) || words.len() == 1;
    let letters = (0..words.len()).filter(is_tag).map(|place| words[place].as_str());
    letters.filter(|word| word.len() <= 5).find_map(|word| {
        let fits = |isa: &str| {
            !isa.is_empty()
                && word.strip_prefix(isa).is_some_and(|rest| rest.chars().all(|l| TAG_LETTERS.contains(l)))
        };
        let quantities = table.quantities.iter().enumerate().filter(|(_, quantity)| fits(&quantity.isa));
        quantities.max_by_key(|(_, quantity)| quantity.isa.len()).map(|(place, _)| place)
    })
}

/// The kinds of the table that a channel may be, each with how surely, 0 to 1. They need not sum
/// to 1: `flow` is as much a flow whatever else it may be.
#[must_use]
pub fn kinds(table: &Table, nature: &Nature, machine: Option<usize>) -> Vec<(usize, f32)> {
    let Some((quantity, certainty)) = nature.quantity else { return Vec::new() };
    let usual = |kind: &usize| machine.is_none_or(|machine| table.machines[machine].channels.contains(kind));
    let of_quantity = || (0..table.kinds.len()).filter(|&kind| table.kinds[kind].quantity == quantity);
    // What this machine has decides what a bare name means; where it has none of the quantity, all.
    let some_usual = of_quantity().any(|kind| usual(&kind));
    let considered: Vec<usize> = of_quantity().filter(|kind| !some_usual || usual(kind)).collect();
    let bare = considered.iter().any(|&kind| table.kinds[kind].place.is_none());
    let named = |place: Option<usize>| nature.places.iter().find(|(named, _)| Some(*named) == place);
    let odd =
        !nature.places.is_empty() && !of_quantity().any(|kind| named(table.kinds[kind].place).is_some());
    let fit = |kind: usize| -> f32 {
        let Kind { place, .. } = table.kinds[kind];
        let unusual = if considered.contains(&kind) { 1.0 } else { UNUSUAL };
        match (place, named(place)) {
            // Whoever names the place means it, usual or not.
            (Some(_), Some(&(_, certainty))) => certainty,
            (None, _) if nature.wordless && considered.len() > 1 => unusual * BARE_TAG,
            (Some(_), _) if nature.wordless && considered.len() > 1 => unusual * ANY_PLACE,
            (None, _) if nature.places.is_empty() => unusual * UNPLACED,
            (None, _) if odd => unusual * ODD_PLACE,
            // The machine's own: the coolant's flow of a coolant pump.
            (None, _) if considered.contains(&kind) && !some_named_usual(table, &considered, nature) => {
                BARE_OF_OWN
            }
            (None, _) => BARE_FOR_PLACED,
            (Some(_), None) if nature.places.is_empty() && bare => unusual * ANY_BESIDE_BARE,
            (Some(_), None) if nature.places.is_empty() && machine.is_some() && considered.len() == 1 => {
                unusual * ONLY_ONE
            }
            (Some(_), None) if nature.places.is_empty() => unusual * ANY_PLACE,
            (Some(_), None) if odd && bare => LEAST,
            (Some(_), None) if odd => unusual * ODD_ELSEWHERE,
            (Some(_), None) => 0.0,
        }
    };
    of_quantity()
        .map(|kind| (kind, certainty * fit(kind)))
        .filter(|&(_, certainty)| certainty > LEAST)
        .collect()
}

/// Whether one of the kinds that the machine has is at a place that is named.
fn some_named_usual(table: &Table, considered: &[usize], nature: &Nature) -> bool {
    considered
        .iter()
        .any(|&kind| nature.places.iter().any(|(place, _)| table.kinds[kind].place == Some(*place)))
}

/// The kind of machine that free words name: of several the last, for `pump motor` is a motor.
#[must_use]
pub fn machine(table: &Table, kind: &str) -> Option<usize> {
    let found = table.machine_words.read(&split(kind));
    found.into_iter().max_by_key(|found| (found.end, found.letters)).map(|found| found.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::TableFile;
    use crate::diagnosis::fixtures::{PHRASES, SIGNATURES, named};

    fn table() -> Table {
        let file = |name, text| TableFile { name, text };
        Table::read(&[file("signatures.toml", SIGNATURES), file("phrases.toml", PHRASES)]).unwrap()
    }

    /// The surest kind, as the table writes it.
    fn surest(table: &Table, channel: &ChannelNames, machine: Option<&str>) -> Option<String> {
        let machine = machine.and_then(|kind| super::machine(table, kind));
        let kinds = kinds(table, &nature(table, channel), machine);
        let surest = kinds.into_iter().max_by(|one, other| one.1.total_cmp(&other.1))?.0;
        let Kind { quantity, place } = table.kinds[surest];
        let place = place.map(|place| format!("@{}", table.places[place].id));
        Some(format!("{}{}", table.quantities[quantity].id, place.unwrap_or_default()))
    }

    /// Ways in which sites write the same words.
    fn styles(words: &str) -> Vec<String> {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let camel: String = words.split(' ').map(capital).collect();
        vec![
            words.to_owned(),
            words.replace(' ', "_"),
            words.replace(' ', "-").to_uppercase(),
            words.replace(' ', "."),
            camel,
            format!("P01_{}", words.replace(' ', "_")),
            format!("{}_3", words.replace(' ', "_")),
        ]
    }

    #[test]
    fn channels_are_read_whatever_a_site_calls_them() {
        let table = table();
        let mut wrong = Vec::new();
        for (words, unit, kind) in [
            ("discharge pressure", "bar", "pressure@outlet"),
            ("disch press", "psi", "pressure@outlet"),
            ("suction pressure", "mbar", "pressure@inlet"),
            ("suct prs", "", "pressure@inlet"),
            ("oil pressure", "bar", "pressure@oil"),
            ("lube oil press", "", "pressure@oil"),
            ("filter differential pressure", "mbar", "pressure_difference@filter"),
            ("fltr dp", "", "pressure_difference@filter"),
            ("flow rate", "m3/h", "flow"),
            ("cooling water flow", "l/min", "flow@coolant"),
            ("feed water flow", "t/h", "flow@feed"),
            ("fuel flow", "nm3/h", "flow@fuel"),
            ("bearing temp", "°C", "temperature@bearing"),
            ("brg temperature", "", "temperature@bearing"),
            ("winding temp", "degC", "temperature@winding"),
            ("motor temp", "°C", "temperature@winding"),
            ("oil temp", "K", "temperature@oil"),
            ("cooling water temp", "°F", "temperature@coolant"),
            ("flue gas temp", "°C", "temperature@flue"),
            ("ambient temperature", "°C", "temperature@ambient"),
            ("barrel zone temp", "°C", "temperature@zone"),
            ("evaporator temp", "°C", "temperature@evaporator"),
            ("oil level", "%", "level@oil"),
            ("hopper level", "%", "level@feed"),
            ("vibration", "mm/s", "vibration"),
            ("vib x", "g", "vibration"),
            ("motor current", "A", "current"),
            ("motor amps", "", "current"),
            ("supply voltage", "V", "voltage"),
            ("active power", "kW", "power"),
            ("speed", "rpm", "speed"),
            ("torque", "Nm", "torque"),
            ("clamp force", "kN", "force"),
            ("valve position", "%", "position"),
            ("belt edge", "mm", "position@belt"),
            ("belt temperature", "°C", "temperature@belt"),
            ("oil particles", "", "particles@oil"),
            ("noise", "dB", "sound"),
            ("cycle time", "s", "cycle_time"),
            ("vacuum pressure", "mbar", "pressure@vacuum"),
            ("air pressure", "bar", "pressure@air"),
            ("conductivity", "µS/cm", "conductivity"),
            ("lagertemperatur", "°C", "temperature@bearing"),
            ("oeldruck", "bar", "pressure@oil"),
            ("saugdruck", "bar", "pressure@inlet"),
            ("motorstrom", "A", "current"),
            ("kuehlwasser temperatur", "°C", "temperature@coolant"),
            ("drehzahl", "1/min", "speed"),
            ("temperature palier", "°C", "temperature@bearing"),
            ("niveau huile", "%", "level@oil"),
            ("debit", "m3/h", "flow"),
        ] {
            for name in styles(words) {
                let found = surest(&table, &named(&name, unit), None);
                if found.as_deref() != Some(kind) {
                    wrong.push(format!("{name} [{unit}]: {found:?}, not {kind}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn tags_units_and_slips_are_read() {
        let table = table();
        for (name, unit, machine, kind) in [
            ("PDT-101", "mbar", None, "pressure_difference"),
            ("FT_12", "", None, "flow"),
            ("LI-215", "mm", Some("pump"), "level"),
            ("dschrg_presure", "bar", None, "pressure@outlet"),
            ("vibraton", "", None, "vibration"),
            ("signal 7", "mm/s", None, "vibration"),
            ("pressure", "mA", Some("boiler"), "pressure@outlet"),
            ("coolant outlet temperature", "°C", None, "temperature@coolant"),
        ] {
            assert_eq!(surest(&table, &named(name, unit), machine).as_deref(), Some(kind), "{name} [{unit}]");
        }
        assert_eq!(surest(&table, &named("x", ""), None), None);
    }

    #[test]
    fn a_unit_decides_against_a_word() {
        let table = table();
        assert_eq!(surest(&table, &named("pump pressure temp", "°C"), None).unwrap()[..11], *"temperature");
        let channel = ChannelNames { label: "level of vibration".into(), ..named("x", "mm/s") };
        assert_eq!(surest(&table, &channel, None).as_deref(), Some("vibration"));
    }

    #[test]
    fn kinds_of_machines_are_read_from_free_words() {
        let table = table();
        let read = |kind: &str| machine(&table, kind).map(|place| table.machines[place].id.as_str());
        for (kind, id) in [
            ("Feed pump", "pump"),
            ("Kreiselpumpe", "pump"),
            ("pump motor", "motor"),
            ("screw compressor 2", "compressor"),
            ("hydraulic press", "hydraulic_unit"),
            ("CNC milling machine", "machine_tool"),
            ("plate heat exchanger", "heat_exchanger"),
            ("Dampfkessel", "boiler"),
            ("heat pump", "chiller"),
            ("belt conveyor", "conveyor"),
        ] {
            assert_eq!(read(kind), Some(id), "{kind}");
        }
        assert_eq!(read("thing"), None);
    }
}
