//! `GET` and `HEAD` of the repository's files.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use object_store::{GetOptions, GetRange, ObjectStoreExt, path::Path};

use super::conditional::{Part, not_modified, part};
use super::memory::{FILE_MAX, Held};
use super::name::Name;
use super::stream;
use crate::server::App;

/// Answers a file of the repository. Takes the request as it is: this is what all devices poll, and
/// each extractor would copy its part.
pub async fn get(State(app): State<App>, request: Request) -> Response<Body> {
    let Some(name) = Name::parse(request.uri().path()) else { return plain(StatusCode::NOT_FOUND) };
    let head = request.method() == Method::HEAD;
    match name.metadata().and_then(|file| app.files.memory.get(file)) {
        Some(held) => from_memory(name, held, request.headers(), head),
        None => from_store(&app, name, request.headers(), head).await,
    }
}

fn from_memory(name: Name<'_>, held: Held, headers: &HeaderMap, head: bool) -> Response<Body> {
    let size = held.bytes.len() as u64;
    if not_modified(headers, &held.etag) {
        return unchanged(name, held.etag);
    }
    match part(headers, &held.etag, size) {
        Part::OutOfRange => out_of_range(size),
        asked => {
            let (range, mut answer) = start(name, &asked, held.etag, size);
            if !head {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(held.bytes.len());
                *answer.body_mut() = Body::from(held.bytes.slice(at(range.start)..at(range.end)));
            }
            answer
        }
    }
}

async fn from_store(app: &App, name: Name<'_>, headers: &HeaderMap, head: bool) -> Response<Body> {
    let path = Path::from(name.path());
    let meta = match app.files.store.head(&path).await {
        Ok(meta) => meta,
        Err(error) => return failed(name, &error),
    };
    if name.metadata().is_some() && meta.size <= FILE_MAX {
        // Memory may hold it by the next request, and its tag must be the same then.
        return match whole(app, &path).await {
            Ok(bytes) => from_memory(name, Held::of(bytes), headers, head),
            Err(error) => failed(name, &error),
        };
    }
    let tag = match name.digest() {
        // The same on every mirror, so that a download goes on from another one; with the size, so
        // that a file that is still being copied is not taken for the whole.
        Some(digest) => format!("\"{digest}.{:x}\"", meta.size),
        None => format!("\"{}\"", meta.e_tag.as_deref().unwrap_or_default().trim_matches('"')),
    };
    let Ok(etag) = HeaderValue::from_str(&tag) else { return plain(StatusCode::INTERNAL_SERVER_ERROR) };
    if not_modified(headers, &etag) {
        return unchanged(name, etag);
    }
    let asked = part(headers, &etag, meta.size);
    if asked == Part::OutOfRange {
        return out_of_range(meta.size);
    }
    let (range, mut answer) = start(name, &asked, etag, meta.size);
    if head || range.is_empty() {
        return answer;
    }
    // Only if it is still the file whose size and tag were just promised.
    let options =
        GetOptions { range: Some(GetRange::Bounded(range)), if_match: meta.e_tag, ..GetOptions::default() };
    match app.files.store.get_opts(&path, options).await {
        Ok(found) => {
            *answer.body_mut() = stream::body(found);
            answer
        }
        Err(error) => failed(name, &error),
    }
}

async fn whole(app: &App, path: &Path) -> object_store::Result<Bytes> {
    app.files.store.get(path).await?.bytes().await
}

/// The answer with its headers, and the bytes that belong in it.
fn start(
    name: Name<'_>,
    asked: &Part,
    etag: HeaderValue,
    size: u64,
) -> (std::ops::Range<u64>, Response<Body>) {
    let mut answer = plain(StatusCode::OK);
    let range = match asked {
        Part::Bytes(range) => {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            answer.headers_mut().insert(header::CONTENT_RANGE, ascii(text));
            range.clone()
        }
        Part::Whole | Part::OutOfRange => 0..size,
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(header::CONTENT_TYPE, name.content_type());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, name.cache_control());
    headers.insert(header::ETAG, etag);
    (range, answer)
}

fn unchanged(name: Name<'_>, etag: HeaderValue) -> Response<Body> {
    let mut answer = plain(StatusCode::NOT_MODIFIED);
    answer.headers_mut().insert(header::ETAG, etag);
    answer.headers_mut().insert(header::CACHE_CONTROL, name.cache_control());
    answer
}

fn out_of_range(size: u64) -> Response<Body> {
    let mut answer = plain(StatusCode::RANGE_NOT_SATISFIABLE);
    answer.headers_mut().insert(header::CONTENT_RANGE, ascii(format!("bytes */{size}")));
    answer
}

fn failed(name: Name<'_>, error: &object_store::Error) -> Response<Body> {
    match error {
        object_store::Error::NotFound { .. } => plain(StatusCode::NOT_FOUND),
        other => {
            tracing::warn!(path = name.path(), error = %other, "a file of the repository cannot be read");
            let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE);
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            answer
        }
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and ASCII words are a header value")
}
