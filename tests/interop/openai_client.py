"""Asks a gateway's language models with OpenAI's own client: URL, token, and what the test expects.

Exits with an assertion where an answer is not what a program that was written for OpenAI's API would
take it for."""

import json
import sys

import openai
from openai import OpenAI

URL, TOKEN = sys.argv[1:]
SAID = [{"role": "system", "content": "be short"}, {"role": "user", "content": "hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"state": {"enum": ["ok", "bad"]}, "hot": {"type": "boolean"}},
    "required": ["state", "hot"],
    "additionalProperties": False,
}

client = OpenAI(base_url=URL, api_key=TOKEN, max_retries=0, timeout=100)


def refused(kind, ask):
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError(f"not refused: {kind}")


def models():
    listed = {model.id: model for model in client.models.list()}
    assert set(listed) == {"writer", "reader", "incident"}, listed
    assert client.models.retrieve("writer") == listed["writer"]
    error = refused(openai.NotFoundError, lambda: client.models.retrieve("gpt-5"))
    assert error.code == "model_not_found" and "writer" in error.message, error


def chat():
    ask = lambda **more: client.chat.completions.create(
        model="writer", messages=SAID, max_completion_tokens=12, temperature=0.8, seed=7, **more
    )
    whole = ask()
    choice = whole.choices[0]
    assert choice.message.role == "assistant" and choice.message.content, whole
    assert choice.finish_reason in ("stop", "length"), whole
    assert 0 < whole.usage.completion_tokens <= 12 < whole.usage.prompt_tokens, whole
    assert ask().choices[0].message.content == choice.message.content, "the same seed says the same"

    chunks = list(ask(stream=True, stream_options={"include_usage": True}))
    pieces = [c.delta.content for chunk in chunks for c in chunk.choices if c.delta.content]
    assert "".join(pieces) == choice.message.content, (pieces, choice)
    assert len(pieces) > 1, pieces
    assert chunks[-1].usage == whole.usage and not chunks[-1].choices, chunks[-1]
    assert chunks[-2].choices[0].finish_reason == choice.finish_reason, chunks[-2]

    letter = choice.message.content[3]
    before = ask(stop=[letter]).choices[0]
    assert before.message.content == choice.message.content.split(letter)[0], (letter, before)
    assert before.finish_reason == "stop"


def schema():
    form = {"type": "json_schema", "json_schema": {"name": "state", "strict": True, "schema": SCHEMA}}
    for seed in range(5):
        answer = client.chat.completions.create(
            model="writer", messages=SAID, response_format=form, temperature=1.5, seed=seed
        )
        said = json.loads(answer.choices[0].message.content)
        assert set(said) == {"state", "hot"} and said["state"] in ("ok", "bad"), said
        assert isinstance(said["hot"], bool) and answer.choices[0].finish_reason == "stop", answer


def completions():
    ask = lambda **more: client.completions.create(model="writer", prompt="once", max_tokens=8, **more)
    whole = ask()
    assert whole.object == "text_completion" and whole.choices[0].text, whole
    pieces = [chunk.choices[0].text for chunk in ask(stream=True)]
    assert "".join(pieces) == whole.choices[0].text, (pieces, whole)


def embeddings():
    # Without a format, the client asks for base64 and reads it.
    ask = lambda **more: client.embeddings.create(model="reader", input=["a pump", "a valve"], **more)
    packed, plain = ask(), ask(encoding_format="float")
    assert [entry.index for entry in packed.data] == [0, 1], packed
    for one, other in zip(packed.data, plain.data):
        assert len(one.embedding) == 16, one
        assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding))
        assert abs(sum(a * a for a in one.embedding) - 1) < 1e-4, "of length 1"
    assert packed.data[0].embedding != packed.data[1].embedding
    assert packed.usage.total_tokens == packed.usage.prompt_tokens > 0, packed.usage


def refusals():
    ask = lambda **more: client.chat.completions.create(**{"model": "writer", "messages": SAID, **more})
    error = refused(openai.NotFoundError, lambda: ask(model="gpt-5"))
    assert error.code == "model_not_found" and error.param == "model" and "writer" in error.message, error
    for field, value in {"n": 2, "logprobs": True, "presence_penalty": 1, "temperature": 3}.items():
        error = refused(openai.BadRequestError, lambda: ask(**{field: value}))
        assert error.param == field, (field, error)
    error = refused(openai.BadRequestError, lambda: ask(messages=[{"role": "user", "content": "x " * 20000}]))
    assert error.param == "messages", error
    stranger = OpenAI(base_url=URL, api_key="another-token-of-thirty-two-chars", max_retries=0)
    assert refused(openai.AuthenticationError, stranger.models.list).code == "invalid_api_key"


def going_away():
    # It never ends by itself, and would keep the model for as long as all of its context takes.
    ask = lambda tokens, **more: client.completions.create(
        model="writer", prompt="once", max_tokens=tokens, temperature=0, **more
    )
    assert ask(200).choices[0].finish_reason == "length"
    for _ in range(3):
        stream = ask(16000, stream=True)
        next(iter(stream))
        stream.close()
    # Nobody is in the way of this one.
    assert ask(1).usage.completion_tokens == 1


for check in (models, chat, schema, completions, embeddings, refusals, going_away):
    check()
    print(check.__name__)
