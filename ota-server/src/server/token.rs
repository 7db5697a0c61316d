//! The operator's bearer token.

use std::path::{Path, PathBuf};

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use super::App;
use super::error::ApiError;

/// Shortest token: one of random letters has 128 bits at 22.
const LENGTH_MIN: usize = 22;

/// Who may use the operator's API. Only the token's hash is held.
#[derive(Clone, Debug)]
pub struct OperatorToken([u8; 32]);

/// The token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error(
        "{path}: {source}; make one with `openssl rand -hex 32 > {path}` that only the server's user can read"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It could be guessed.
    #[error("{path}: the token has under {LENGTH_MIN} characters; make one with `openssl rand -hex 32`")]
    Short {
        /// The file.
        path: PathBuf,
    },
}

impl OperatorToken {
    /// For `token` itself.
    #[must_use]
    pub fn new(token: &str) -> OperatorToken {
        OperatorToken(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads the file that holds it.
    ///
    /// # Errors
    /// It cannot be read, or the token is too short.
    pub fn read(path: &Path) -> Result<OperatorToken, TokenError> {
        Ok(OperatorToken::new(&read(path)?))
    }

    /// Compares in constant time: hashes have one length, and all their bytes are looked at.
    fn is(&self, token: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.0.iter().zip(given).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }
}

/// Reads a token from its file, for the server and for its client.
///
/// # Errors
/// It cannot be read, or the token is too short.
pub fn read(path: &Path) -> Result<String, TokenError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
    let token = text.trim();
    if token.len() < LENGTH_MIN {
        return Err(TokenError::Short { path: path.to_owned() });
    }
    Ok(token.to_owned())
}

/// Proof that a request carries the operator's token: a handler that takes it answers nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Operator, ApiError> {
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        match given.and_then(|v| v.strip_prefix("Bearer ")) {
            Some(token) if app.operator.is(token.trim()) => Ok(Operator(())),
            _ => Err(ApiError::unauthorised()),
        }
    }
}
