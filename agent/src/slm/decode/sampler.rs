//! Which of the tokens that may follow does.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::exponential::exp;
use super::{Settings, TokenSet};
use crate::slm::model::Token;

/// So many of the most likely tokens are sorted first to see whether they reach `top_p`; mostly they do.
const FIRST_SORTED: usize = 128;

/// Draws tokens as its settings say. The same logits, settings and seed draw the same tokens.
pub struct Sampler {
    temperature: f32,
    top_k: usize,
    top_p: f64,
    penalty: f32,
    random: Pcg64,
    /// Tokens that the repetition penalty is for.
    seen: TokenSet,
    /// Logits and tokens that are drawn from; kept, so that a step allocates nothing.
    candidates: Vec<(f32, Token)>,
}

impl Sampler {
    /// A sampler for a model with a vocabulary of this size.
    #[must_use]
    pub fn new(settings: &Settings, vocabulary: usize) -> Self {
        Sampler {
            temperature: settings.temperature,
            top_k: settings.top_k,
            top_p: f64::from(settings.top_p),
            penalty: settings.repetition_penalty,
            random: Pcg64::seed_from_u64(settings.seed),
            seen: TokenSet::empty(vocabulary),
            candidates: Vec::new(),
        }
    }

    /// Takes a token of the prompt or the answer, which becomes less likely from here on.
    pub fn saw(&mut self, token: Token) {
        self.seen.insert(token);
    }

    /// Draws one of `allowed`, or of all tokens without it. `None` where none is allowed. The logits
    /// are finite or -∞.
    pub fn draw(&mut self, logits: &[f32], allowed: Option<&TokenSet>) -> Option<Token> {
        if self.temperature == 0.0 {
            return match allowed {
                Some(allowed) => self.most_likely(logits, allowed.iter()),
                None => self.most_likely(logits, 0..logits.len() as Token),
            };
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let penalised = |token: Token| Some((self.penalised(token, *logits.get(token as usize)?), token));
        match allowed {
            Some(allowed) => candidates.extend(allowed.iter().filter_map(penalised)),
            None => candidates.extend((0..logits.len() as Token).filter_map(penalised)),
        }
        let drawn = self.draw_from(&mut candidates);
        self.candidates = candidates;
        drawn
    }

    fn most_likely(&self, logits: &[f32], tokens: impl Iterator<Item = Token>) -> Option<Token> {
        let mut best: Option<(f32, Token)> = None;
        for token in tokens {
            let Some(&logit) = logits.get(token as usize) else { continue };
            let logit = self.penalised(token, logit);
            if best.is_none_or(|(most, _)| logit > most) {
                best = Some((logit, token));
            }
        }
        best.map(|(_, token)| token)
    }

    /// As in the paper on CTRL and everywhere since: towards less likely, whatever the logit's sign.
    fn penalised(&self, token: Token, logit: f32) -> f32 {
        if self.penalty == 1.0 || !self.seen.contains(token) {
            logit
        } else if logit > 0.0 {
            logit / self.penalty
        } else {
            logit * self.penalty
        }
    }

    fn draw_from(&mut self, candidates: &mut Vec<(f32, Token)>) -> Option<Token> {
        if self.top_k > 0 && self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k - 1, more_likely_first);
            candidates.truncate(self.top_k);
        }
        let &most = candidates.iter().min_by(|one, other| more_likely_first(one, other))?;
        if most.0 == f32::NEG_INFINITY {
            return Some(most.1);
        }
        let temperature = f64::from(self.temperature);
        let weight = |&(logit, _): &(f32, Token)| exp((f64::from(logit) - f64::from(most.0)) / temperature);
        let mut sum: f64 = candidates.iter().map(weight).sum();
        if self.top_p < 1.0 {
            sum = keep_nucleus(candidates, self.top_p * sum, weight);
        }
        let mut left = self.fraction() * sum;
        let last = candidates.last().map(|&(_, token)| token);
        for candidate in candidates.iter() {
            left -= weight(candidate);
            if left < 0.0 {
                return Some(candidate.1);
            }
        }
        last
    }

    /// From 0 up to, but not, 1.
    fn fraction(&mut self) -> f64 {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        (self.random.next_u64() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
    }
}

/// Leaves the most likely candidates that together weigh `enough`; returns what they weigh. Only as
/// many are sorted as are needed for it.
fn keep_nucleus(
    candidates: &mut Vec<(f32, Token)>,
    enough: f64,
    weight: impl Fn(&(f32, Token)) -> f64,
) -> f64 {
    let (mut sum, mut sorted) = (0.0, 0);
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        let more = rest.len().min(sorted.max(FIRST_SORTED));
        if more < rest.len() {
            rest.select_nth_unstable_by(more - 1, more_likely_first);
        }
        rest[..more].sort_unstable_by(more_likely_first);
        for at in sorted..sorted + more {
            sum += weight(&candidates[at]);
            if sum >= enough {
                candidates.truncate(at + 1);
                return sum;
            }
        }
        sorted += more;
    }
    sum
}

/// The more likely token first, and of two alike that with the lower number.
fn more_likely_first(one: &(f32, Token), other: &(f32, Token)) -> std::cmp::Ordering {
    other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn warm(seed: u64) -> Settings {
        Settings { temperature: 1.0, seed, ..Settings::default() }
    }

    #[test]
    fn at_temperature_0_the_most_likely_allowed_token_is_taken() {
        let mut sampler = Sampler::new(&Settings::default(), 4);
        assert_eq!(sampler.draw(&[0.0, 3.0, 3.0, 1.0], None), Some(1));
        let mut allowed = TokenSet::full(4);
        allowed.remove(1);
        assert_eq!(sampler.draw(&[0.0, 3.0, 3.0, 1.0], Some(&allowed)), Some(2));
        assert_eq!(sampler.draw(&[0.0; 4], Some(&TokenSet::empty(4))), None);
    }

    #[test]
    fn tokens_come_as_often_as_their_probabilities_say() {
        let wanted = [0.5_f32, 0.25, 0.2, 0.05];
        let logits = wanted.map(f32::ln);
        let mut sampler = Sampler::new(&warm(1), 4);
        let mut counts = [0_u32; 4];
        const DRAWS: u32 = 20_000;
        for _ in 0..DRAWS {
            counts[sampler.draw(&logits, None).unwrap() as usize] += 1;
        }
        for (count, wanted) in counts.iter().zip(wanted) {
            let share = f64::from(*count) / f64::from(DRAWS);
            assert!((share - f64::from(wanted)).abs() < 0.02, "{counts:?}");
        }
    }

    /// Fixed figures: they must be the same on every platform.
    #[test]
    fn a_seed_draws_the_same_tokens_on_every_platform() {
        let logits: Vec<f32> = (0..1_000).map(|token| ((token * 7919) % 997) as f32 / 200.0).collect();
        let settings = Settings { temperature: 0.8, top_p: 0.9, top_k: 500, ..warm(42) };
        let mut sampler = Sampler::new(&settings, logits.len());
        let drawn: Vec<Token> = (0..12).map(|_| sampler.draw(&logits, None).unwrap()).collect();
        assert_eq!(drawn, [228, 333, 930, 404, 110, 176, 18, 369, 563, 176, 298, 984]);
    }

    #[test]
    fn a_repeated_token_becomes_less_likely_whatever_its_sign() {
        let settings = Settings { repetition_penalty: 2.0, ..Settings::default() };
        for logits in [[1.5, 1.0], [-1.0, -1.5]] {
            let mut sampler = Sampler::new(&settings, 2);
            assert_eq!(sampler.draw(&logits, None), Some(0));
            sampler.saw(0);
            assert_eq!(sampler.draw(&logits, None), Some(1));
        }
    }

    #[test]
    fn where_the_model_excludes_all_that_is_allowed_something_still_comes() {
        let mut sampler = Sampler::new(&warm(3), 3);
        assert_eq!(sampler.draw(&[f32::NEG_INFINITY; 3], None), Some(0));
    }

    proptest! {
        /// Against a full sort: no token outside the top k and the nucleus is ever drawn.
        #[test]
        fn only_the_most_likely_tokens_are_drawn(
            logits in prop::collection::vec(-8.0_f32..8.0, 1..600),
            top_k in 0_usize..300,
            top_p in 0.01_f32..1.0,
            seed: u64,
        ) {
            let mut sampler = Sampler::new(&Settings { top_k, top_p, ..warm(seed) }, logits.len());
            let mut sorted: Vec<(f32, Token)> = logits.iter().copied().zip(0..).collect();
            sorted.sort_by(more_likely_first);
            if top_k > 0 {
                sorted.truncate(top_k);
            }
            let total: f64 = sorted.iter().map(|(logit, _)| f64::from(*logit).exp()).sum();
            let mut sum = 0.0;
            let before = |(logit, _): &(f32, Token)| {
                let fits = sum < f64::from(top_p) * total * (1.0 + 1e-9);
                sum += f64::from(*logit).exp();
                fits
            };
            let nucleus: Vec<Token> = sorted.iter().copied().take_while(before).map(|(_, token)| token).collect();
            for _ in 0..20 {
                prop_assert!(nucleus.contains(&sampler.draw(&logits, None).unwrap()));
            }
        }
    }
}
