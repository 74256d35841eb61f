"""Batches as OpenAI defined them: a file of requests, a batch made of it, and a file of answers in any order."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from openai import AsyncOpenAI

from market_agents.failpoints import reach
from market_agents.inference.asks import Completion, Request
from market_agents.inference.providers.batch import BatchGone, BatchState, LineReader
from market_agents.inference.providers.openai_chat import (
    Judge,
    Manner,
    OpenAIChatProvider,
    StatusReply,
    chat_body,
)
from market_agents.inference.providers.replies import read_completion
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.plain_text import one_line

log = logging.getLogger(__name__)

ENDPOINT = "/v1/chat/completions"
TRANSFER_SECONDS = 600.0
"""The longest that a file may take on its way."""

MOST_PAGES = 100
LONGEST_LINE = 4_000_000
"""Characters of a line that is read."""

_NO_BATCHES = {404, 405, 501}
_GONE = {404, 410}
_UNFINISHED = {"batch_expired", "batch_cancelled"}
_NOTHING: Mapping[str, Any] = {}


class OpenAIBatchProvider(OpenAIChatProvider):
    """An endpoint that is asked one by one, and in batches; the arguments are those of the chat provider."""

    def batch_line(self, request: Request, name: str) -> bytes:
        """A request as one line of the file, in the best format that the endpoint is known to understand."""
        body = chat_body(request, self.manner(request.model))
        line = {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    async def send_batch(self, lines: bytes, metadata: Mapping[str, str]) -> BatchState:
        """Upload the lines and make a batch of them, to be answered within a day."""

        async def upload(client: AsyncOpenAI) -> bytes:
            reply = await client.post(
                "/files",
                cast_to=httpx2.Response,
                body={"purpose": "batch"},
                files=[("file", ("requests.jsonl", lines))],
                options={"headers": {"Content-Type": "multipart/form-data"}, "timeout": TRANSFER_SECONDS},
            )
            return reply.content

        file = _object(await self.exchange(upload, self._judge_batch, TRANSFER_SECONDS))
        reach("batch.uploaded")
        body = {
            "input_file_id": str(file.get("id")),
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": dict(metadata),
        }

        async def create(client: AsyncOpenAI) -> bytes:
            return (await client.post("/batches", cast_to=httpx2.Response, body=body)).content

        return _state(_object(await self.exchange(create, self._judge_batch)))

    async def find_batch(self, name: str, value: str) -> BatchState | None:
        """Look through the list of batches, the latest first."""
        after = ""
        for _ in range(MOST_PAGES):
            page = _object(await self._get(f"/batches?limit=100{after}"))
            found = page.get("data")
            batches = [_mapping(batch) for batch in found] if isinstance(found, list) else []
            for batch in batches:
                if _mapping(batch.get("metadata")).get(name) == value:
                    return _state(batch)
            if not batches or not page.get("has_more"):
                break
            after = f"&after={batches[-1].get('id')}"
        return None

    async def look_at_batch(self, batch_id: str) -> BatchState:
        """How far a batch is."""
        return _state(_object(await self._get(f"/batches/{batch_id}", self._judge_known)))

    async def batch_answers(self, state: BatchState) -> dict[str, str]:
        """The lines of both files by the names of their requests; an answer counts before an error, the first of equals
        before the others."""
        answers: dict[str, str] = {}
        errors: dict[str, str] = {}
        gone = (
            ""
            if state.files or not state.completed
            else f"batch {state.batch_id} names no file of its answers"
        )
        for file in state.files:
            try:
                text = await self._get(f"/files/{file}/content", self._judge_known, TRANSFER_SECONDS)
            except BatchGone as failure:
                gone = failure.reason
            else:
                _sort(text, answers, errors, state.batch_id)
        if gone:
            raise BatchGone(gone, {**errors, **answers})
        return {**errors, **answers}

    def batch_reader(self, model: str) -> LineReader:
        """What reads the lines of a batch that is sent now."""
        manner = self.manner(model)
        return lambda line, request: self._read(line, request, manner)

    def _read(self, line: str, request: Request, manner: Manner) -> Completion:
        read = _line(line)
        response, error = _mapping(read.get("response")), _mapping(read.get("error"))
        status, body = response.get("status_code"), _mapping(response.get("body"))
        if _is_answer(read):
            return read_completion(json.dumps(body), request)
        if isinstance(status, int) and status >= 300:
            raise self.judge_answer(StatusReply(status, json.dumps(body)[:2000]), request, manner)
        code, said = str(error.get("code") or ""), one_line(str(error.get("message") or ""), 200)
        if code in _UNFINISHED:
            raise AttemptFailed(Verdict.RETRY, f"the batch ended before this request ({code})")
        if error:
            raise AttemptFailed(
                Verdict.RETRY, f"the batch has an error for this request: {code} {said}".strip()
            )
        raise AttemptFailed(Verdict.GARBLED, "the batch has a line without an answer for this request")

    async def _get(self, path: str, judge: Judge | None = None, longest: float | None = None) -> str:
        # Some keep files elsewhere; no prompt goes there, and to another host no key.
        is_file = path.endswith("/content")

        async def get(client: AsyncOpenAI) -> bytes:
            reply = await client.get(path, cast_to=httpx2.Response, options={"follow_redirects": is_file})
            return reply.content

        return await self.exchange(get, judge or self._judge_batch, longest)

    def _judge_known(self, reply: StatusReply) -> AttemptFailed:
        """What a refusal means of anything about a batch that was made."""
        if reply.status in _GONE:
            return BatchGone(f"{self.address} knows it no more (HTTP {reply.status})")
        return self._judge_batch(reply)

    def _judge_batch(self, reply: StatusReply) -> AttemptFailed:
        """What a refusal of anything about batches means."""
        if reply.status in _NO_BATCHES:
            return AttemptFailed(
                Verdict.KEY_REFUSED,
                f"{self.address} has no batches (HTTP {reply.status}); set execution: live in the llm_configs entry",
            )
        return self.judge_status(reply, "a batch")


def _is_answer(read: Mapping[str, Any]) -> bool:
    return _mapping(read.get("response")).get("status_code") == 200


def _sort(text: str, answers: dict[str, str], errors: dict[str, str], batch_id: str) -> None:
    """Add the lines of a file to those that are there: to the answers or to the errors."""
    strange = 0
    for line in _lines(text):
        read = _line(line)
        name = read.get("custom_id")
        if not isinstance(name, str) or name in answers:
            strange += 1
            continue
        (answers if _is_answer(read) else errors).setdefault(name, line)
    if strange:
        log.warning(
            "batch %s: %d lines belong to no request, or to one that has its answer", batch_id, strange
        )


def _lines(text: str) -> Iterator[str]:
    """The lines with anything in them, one by one: a list of them would be the whole file again."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.strip():
            yield line
        start = end + 1


def _line(line: str) -> Mapping[str, Any]:
    """A line as an object; empty where it is none."""
    if len(line) > LONGEST_LINE:
        return _NOTHING
    try:
        return _mapping(json.loads(line))
    except (ValueError, RecursionError):
        return _NOTHING


def _object(body: str) -> Mapping[str, Any]:
    read = _line(body)
    if not read:
        raise AttemptFailed(Verdict.RETRY, "a reply about a batch that is no JSON object")
    return read


def _state(batch: Mapping[str, Any]) -> BatchState:
    counts, batch_id = _mapping(batch.get("request_counts")), batch.get("id")
    if not isinstance(batch_id, str) or not batch_id:
        raise AttemptFailed(Verdict.RETRY, "a reply about a batch without its id", maybe_paid=True)
    files = (batch.get("output_file_id"), batch.get("error_file_id"))
    return BatchState(
        batch_id=batch_id,
        status=str(batch.get("status")),
        completed=_count(counts.get("completed")),
        failed=_count(counts.get("failed")),
        files=tuple(file for file in files if isinstance(file, str) and file),
        reason="; ".join(_reasons(batch)),
    )


def _reasons(batch: Mapping[str, Any]) -> Iterator[str]:
    found = _mapping(batch.get("errors")).get("data")
    for error in found[:3] if isinstance(found, list) else ():
        told = _mapping(error)
        yield one_line(f"{told.get('code') or ''} {told.get('message') or ''}".strip(), 200)


def _count(told: object) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 10**9 else 0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
