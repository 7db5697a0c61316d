//! The token that a request over the network carries.

use std::path::{Path, PathBuf};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::error::ApiError;

/// Shortest token: one of random letters has 128 bits at 22.
const LENGTH_MIN: usize = 22;

/// Who may ask. Only the token's hash is held.
#[derive(Clone, Debug)]
pub struct Token([u8; 32]);

/// The token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error(
        "slm.api.token_file {path}: {cause}; make one with `openssl rand -hex 32 > {path}` that only the \
         agent's user can read"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It could be guessed.
    #[error(
        "slm.api.token_file {path}: the first line has under {LENGTH_MIN} characters; make a token with \
         `openssl rand -hex 32`"
    )]
    Short {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// For `token` itself.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Token(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads the file whose first line it is.
    ///
    /// # Errors
    /// It cannot be read, or the token is too short.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        Ok(Token::new(&read(path)?))
    }

    /// Compares in constant time: hashes have one length, and all their bytes are looked at.
    fn is(&self, token: &str) -> bool {
        let given = Sha256::digest(token.as_bytes());
        self.0.iter().zip(given).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = given.and_then(|given| given.split_once(' ')).unwrap_or_default();
        scheme.eq_ignore_ascii_case("Bearer") && self.is(token.trim())
    }
}

/// Reads a token from its file, for the API and for its client.
///
/// # Errors
/// It cannot be read, or the token is too short.
pub fn read(path: &Path) -> Result<String, TokenError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| TokenError::Read { path: path.to_owned(), cause })?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < LENGTH_MIN {
        return Err(TokenError::Short { path: path.to_owned() });
    }
    Ok(token.to_owned())
}

/// Lets through who carries the token, before anything of the request's body is read.
pub(super) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    match token.is_in(request.headers()) {
        true => next.run(request).await,
        false => ApiError::unauthorised().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_the_token_lets_in() {
        let token = Token::new(TOKEN);
        let is = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            token.is_in(&headers)
        };
        assert!(is(&format!("Bearer {TOKEN}")) && is(&format!("bearer  {TOKEN}")));
        assert!(!token.is_in(&HeaderMap::new()));
        for other in ["Bearer", "Bearer ", "Basic 0123", "Bearer 0123456789abcdef", TOKEN] {
            assert!(!is(other), "{other}");
        }
    }

    #[test]
    fn a_file_without_a_token_is_refused_with_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(Token::read(&path), Err(TokenError::Read { .. })));
        std::fs::write(&path, "secret\n").unwrap();
        let error = Token::read(&path).unwrap_err().to_string();
        assert!(error.contains("openssl rand -hex 32"), "{error}");
        std::fs::write(&path, format!("{TOKEN}\na note\n")).unwrap();
        assert!(Token::read(&path).unwrap().is(TOKEN));
    }
}
