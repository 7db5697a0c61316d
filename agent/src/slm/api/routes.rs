//! What is answered where.

use std::sync::Arc;

use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use lineside_bundle::manifest::Kind;
use serde::Serialize;
use tokio::sync::mpsc::unbounded_channel;

use super::body::Read;
use super::error::ApiError;
use super::gateway::Gateway;
use super::openai::chat::{self, ChatChunks, ChatRequest};
use super::openai::completion::{self, CompletionChunks, CompletionRequest};
use super::openai::embedding::{self, EmbeddingRequest};
use super::openai::generation::{Asked, Delivery, Format};
use super::openai::{Head, stream};
use super::own;
use super::refusal::other_reply;
use crate::slm::runtime::{Answer, Finish, Form, Generation, Model, Prompt, Reply, Request, Shift};
use crate::slm::shift::Draft;

/// The OpenAPI document.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

type Answered = Result<Response, ApiError>;
type Here = State<Arc<Gateway>>;

/// What is answered where, as the document lists it.
pub(super) fn table() -> [(&'static str, &'static str, MethodRouter<Arc<Gateway>>); 9] {
    [
        ("post", "/v1/classify", post(classify)),
        ("post", "/v1/summarize", post(summarize)),
        ("post", "/v1/report", post(report)),
        ("get", "/v1/models", get(models)),
        ("get", "/v1/models/{model}", get(model)),
        ("post", "/v1/chat/completions", post(chat)),
        ("post", "/v1/completions", post(complete)),
        ("post", "/v1/embeddings", post(embed)),
        ("get", "/openapi.json", get(openapi)),
    ]
}

pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    let routes = Router::new();
    let routes = table().into_iter().fold(routes, |routes, (_, path, answer)| routes.route(path, answer));
    routes
        .fallback(async || ApiError::no_route("no such path; GET /openapi.json describes this API"))
        .method_not_allowed_fallback(async || ApiError::method("another method; see GET /openapi.json"))
        .layer(middleware::from_fn(no_browser))
        .with_state(gateway)
}

/// A page in a browser says where it comes from with whatever it posts; programs do not.
async fn no_browser(request: HttpRequest, next: Next) -> Response {
    match request.headers().contains_key(header::ORIGIN) {
        true => ApiError::browser().into_response(),
        false => next.run(request).await,
    }
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// A model, as OpenAI lists them, with what it does here.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
    version: &'a str,
    tasks: Vec<&'static str>,
    kind: Option<Kind>,
    context: Option<u32>,
}

impl<'a> Listed<'a> {
    fn of(model: &'a Model) -> Self {
        let language = model.manifest.language.as_ref();
        Listed {
            id: model.name(),
            object: "model",
            // A bundle has no date: its version says which one it is.
            created: 0,
            owned_by: "lineside",
            version: &model.manifest.version,
            tasks: model.tasks().map(|task| task.name()).collect(),
            kind: language.map(|language| language.kind),
            context: language.map(|language| language.context),
        }
    }
}

async fn models(State(gateway): Here) -> Response {
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: Vec<Listed<'a>>,
    }
    let models = gateway.models();
    let data = models.iter().map(Listed::of).collect();
    Json(List { object: "list", data }).into_response()
}

async fn model(State(gateway): Here, Path(name): Path<String>) -> Answered {
    let models = gateway.models();
    let found = models.iter().find(|model| model.name() == name);
    let known = || models.iter().map(|model| model.name().to_owned()).collect::<Vec<_>>();
    found
        .map(|model| Json(Listed::of(model)).into_response())
        .ok_or_else(|| ApiError::unknown_model(&name, &known()))
}

async fn classify(State(gateway): Here, Read(body): Read) -> Answered {
    let own::Asked { model, what } = own::classify(&body, gateway.subjects())?;
    let answer = gateway.ask(what, model, None)?.await?;
    match &answer.reply {
        Reply::Class(assessment) => Ok(Json(own::class(&answer, assessment)).into_response()),
        _ => Err(other_reply()),
    }
}

async fn summarize(State(gateway): Here, Read(body): Read) -> Answered {
    let own::Asked { model, what } = own::summarize(&body, gateway.subjects())?;
    let answer = gateway.ask(what, model, None)?.await?;
    match &answer.reply {
        Reply::Words(words) => Ok(Json(own::words(&answer, words)).into_response()),
        _ => Err(other_reply()),
    }
}

async fn report(State(gateway): Here, Read(body): Read) -> Answered {
    let own::Period { from, to, cases } = own::report(&body, gateway.subjects())?;
    let cases = match cases {
        Some(cases) => cases,
        None => gateway.incidents(from, to).await?,
    };
    let draft = Draft::begin(gateway.runtime(), Shift { from, to, cases }, Gateway::call);
    let report = draft.ready().await;
    Ok(Json(own::reported(&report)).into_response())
}

async fn chat(State(gateway): Here, Read(body): Read) -> Answered {
    let ChatRequest { model, messages, format, generation } = ChatRequest::read(&body)?;
    let asked = Generation {
        prompt: Prompt::Chat(messages),
        sampling: generation.sampling(),
        form: match format {
            Format::Text => Form::Free,
            Format::Object => Form::JsonSchema(serde_json::json!({"type": "object"})),
            Format::Schema(schema) => Form::JsonSchema(schema),
        },
    };
    let (id, created) = gateway.stamp("chatcmpl");
    let head = Head { id, created, model };
    generate::<ChatChunks>(&gateway, asked, &generation, head, |head, text, finish, answer| {
        Json(chat::answer(head, text, finish, answer.usage)).into_response()
    })
    .await
}

async fn complete(State(gateway): Here, Read(body): Read) -> Answered {
    let CompletionRequest { model, prompt, generation } = CompletionRequest::read(&body)?;
    let asked =
        Generation { prompt: Prompt::Text(prompt), sampling: generation.sampling(), form: Form::Free };
    let (id, created) = gateway.stamp("cmpl");
    let head = Head { id, created, model };
    generate::<CompletionChunks>(&gateway, asked, &generation, head, |head, text, finish, answer| {
        Json(completion::answer(head, text, finish, answer.usage)).into_response()
    })
    .await
}

/// Has a text written, and answers with it as a whole or piece by piece.
async fn generate<C: stream::Chunks>(
    gateway: &Gateway,
    asked: Generation,
    wanted: &Asked,
    head: Head,
    whole: impl FnOnce(&Head, &str, Finish, &Answer) -> Response,
) -> Answered {
    let (request, model) = (Request::Generate(Box::new(asked)), Some(head.model.clone()));
    match wanted.delivery() {
        Delivery::Stream { usage } => {
            let (sender, pieces) = unbounded_channel();
            let ticket = gateway.ask(request, model, Some(sender))?;
            stream::respond::<C>(head, usage, pieces, ticket).await
        }
        Delivery::Whole => {
            let answer = gateway.ask(request, model, None)?.await?;
            match &answer.reply {
                Reply::Text { text, finish } => Ok(whole(&head, text, *finish, &answer)),
                _ => Err(other_reply()),
            }
        }
    }
}

async fn embed(State(gateway): Here, Read(body): Read) -> Answered {
    let EmbeddingRequest { model, texts, encoding } = EmbeddingRequest::read(&body)?;
    let answer = gateway.ask(Request::Embed { texts }, Some(model), None)?.await?;
    match &answer.reply {
        Reply::Vectors(vectors) => {
            Ok(Json(embedding::answer(&answer.model, vectors, encoding, answer.usage)).into_response())
        }
        _ => Err(other_reply()),
    }
}
