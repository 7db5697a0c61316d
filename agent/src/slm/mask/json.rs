//! Keeps numbers in JSON short.
//!
//! A schema bounds a number's value, not its digits: after the point a model could write on for ever.

use crate::slm::decode::TokenSet;
use crate::slm::model::Token;

/// Digits of a number after which it ends where it can: what a double holds for sure.
const MOST_DIGITS: usize = 15;

/// Tokens that begin with digits, with how many. The point counts for nothing.
pub(super) fn numeric<'a>(tokens: impl Iterator<Item = (Token, &'a [u8])>) -> Vec<(Token, usize)> {
    let digits = |bytes: &[u8]| {
        let number = bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
        number.filter(|byte| byte.is_ascii_digit()).count()
    };
    tokens.map(|(token, bytes)| (token, digits(bytes))).filter(|(_, digits)| *digits > 0).collect()
}

/// Where in a JSON document an answer is.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    in_string: bool,
    escaped: bool,
    /// Digits of the number that is being written.
    digits: usize,
}

impl Progress {
    /// Takes the bytes of a token.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'0'..=b'9' if !self.in_string => self.digits += 1,
                b'.' => {}
                _ => self.digits = 0,
            }
        }
    }

    /// Takes tokens out of `allowed` that would make a number too long, unless nothing else is left.
    pub(super) fn shorten(&self, allowed: &mut TokenSet, numeric: &[(Token, usize)]) {
        if self.in_string || self.digits == 0 {
            return;
        }
        let too_long = |digits: usize| self.digits + digits > MOST_DIGITS;
        let others_left = || {
            let numeric_and_short =
                numeric.iter().any(|&(token, digits)| !too_long(digits) && allowed.contains(token));
            let long = numeric
                .iter()
                .filter(|&&(token, digits)| too_long(digits) && allowed.contains(token))
                .count();
            numeric_and_short || allowed.len() > long
        };
        if others_left() {
            numeric
                .iter()
                .filter(|(_, digits)| too_long(*digits))
                .for_each(|(token, _)| allowed.remove(*token));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: [&[u8]; 5] = [b"1", b"23", b".5", b",", b"\"1"];

    fn allowed_after(text: &str, from: &[Token]) -> Vec<Token> {
        let numeric = numeric((0..).zip(TOKENS));
        assert_eq!(numeric, [(0, 1), (1, 2), (2, 1)]);
        let mut progress = Progress::default();
        progress.take(text.as_bytes());
        let mut allowed = TokenSet::empty(TOKENS.len());
        from.iter().for_each(|&token| allowed.insert(token));
        progress.shorten(&mut allowed, &numeric);
        allowed.iter().collect()
    }

    #[test]
    fn a_number_ends_where_it_can_after_15_digits() {
        assert_eq!(allowed_after("[1.3456789012345", &[0, 1, 3]), [0, 3]);
        assert_eq!(allowed_after("[1.34567890123456", &[0, 1, 3]), [3]);
        assert_eq!(allowed_after("[1.34567890123456", &[0, 1]), [0, 1]);
        assert_eq!(allowed_after("[1.34567890123456,1", &[0, 1, 3]), [0, 1, 3]);
        assert_eq!(allowed_after("[\"1.34567890123456\\\"1", &[0, 1, 3]), [0, 1, 3]);
    }
}
