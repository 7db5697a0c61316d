//! Streams a file with one small buffer at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use axum::body::{Body, Bytes};
use futures_util::stream;
use object_store::{GetResult, GetResultPayload};

/// What a download holds in memory, per piece: enough that a hop to the thread that reads is cheap,
/// little enough for thousands of downloads.
const PIECE: usize = 128 * 1024;

/// The body of an answer. The next piece is read when the one before has gone out.
pub fn body(found: GetResult) -> Body {
    let range = found.range.clone();
    match found.payload {
        GetResultPayload::File(file, _) => {
            let left = range.end - range.start;
            Body::from_stream(stream::try_unfold((file, range.start, left), next))
        }
        GetResultPayload::Stream(pieces) => Body::from_stream(pieces),
    }
}

type State = (File, u64, u64);

async fn next((file, at, left): State) -> io::Result<Option<(Bytes, State)>> {
    if left == 0 {
        return Ok(None);
    }
    tokio::task::spawn_blocking(move || {
        let mut file = file;
        let want = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; want];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut piece)?;
        let read = piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, at + read, left - read))))
    })
    .await
    .map_err(io::Error::other)?
}
