"""Batches of the fake model, in OpenAI's form: files, batches made of them, and answers when one has looked often."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from market_agents.fake_model.answers import fraction
from market_agents.fake_model.faults import BATCH_KINDS, BATCH_REQUEST_KINDS, FaultPlan, Rule
from market_agents.fake_model.ledger import Entry, Ledger
from market_agents.fake_model.mutations import error_body, mutate, refusal_of_format, whole_body
from market_agents.fake_model.replies import compose, request_hash, response_format

PAGE = 20
_CREATED = 1_767_225_600
_UNREADABLE = (KeyError, TypeError, AttributeError, ValueError, StopIteration, RecursionError)
_UNANSWERED = frozenset({"hang", "reset_before"})
_SILENT = _UNANSWERED | {"lost_reply", "reset_mid_body", "line_missing"}

Ask = tuple[str, dict[str, Any]]
"""A line's own name, and the body of its request."""


@dataclass
class FakeBatch:
    """A batch, from its making to its end."""

    number: int
    file: str
    metadata: dict[str, str]
    asks: Sequence[Ask]
    rules: Sequence[Rule]
    status: str = "validating"
    looks: int = 0
    done: int = 0
    failed: int = 0
    files: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def name(self) -> str:
        """As the provider calls it."""
        return f"batch_{self.number:06}"

    def polls(self, kind: str) -> int:
        """How often one has to look while it is in a state."""
        return sum(rule.polls for rule in self.rules if rule.kind == kind)

    def share(self, kind: str) -> float | None:
        """The share of lines that a fault leaves, None where none of its kind struck."""
        return next((rule.cut for rule in self.rules if rule.kind == kind), None)

    def described(self) -> dict[str, Any]:
        """The batch for JSON."""
        data = [{"code": "invalid_request", "message": self.error, "line": None, "param": None}]
        return {
            "id": self.name,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": {"object": "list", "data": data} if self.error else None,
            "input_file_id": self.file,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.files.get("output"),
            "error_file_id": self.files.get("error"),
            "created_at": _CREATED + self.number,
            "request_counts": {"total": len(self.asks), "completed": self.done, "failed": self.failed},
            "metadata": self.metadata,
        }


class BatchShelf:
    """All files and batches since the last reset.

    Args:
        ledger: each line that is answered, or refused, is an entry of it.
        plan: gives the fault rules of the moment.
        seed: of the server.
    """

    def __init__(self, ledger: Ledger, plan: Callable[[], FaultPlan], seed: int) -> None:
        self._ledger = ledger
        self._plan = plan
        self._seed = seed
        self._files: dict[str, str] = {}
        self._batches: dict[str, FakeBatch] = {}

    def add_routes(self, application: web.Application) -> None:
        """Serve files and batches."""
        application.router.add_post("/v1/files", self._upload)
        application.router.add_get("/v1/files/{name}/content", self._fetch)
        application.router.add_post("/v1/batches", self._create)
        application.router.add_get("/v1/batches", self._list)
        application.router.add_get("/v1/batches/{name}", self._look)
        application.router.add_post("/v1/batches/{name}/cancel", self._cancel)

    def clear(self) -> None:
        """Forget all."""
        self._files.clear()
        self._batches.clear()

    def _refused(self, on: str) -> web.Response | None:
        for rule in self._plan().strike_batch({"batch_status"}, b"", on):
            body = rule.body or error_body(f"status {rule.code} by a fault rule", "fault")
            return web.json_response(body, status=rule.code, headers=rule.headers)
        return None

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (refused := self._refused("upload")) is not None:
            return refused
        part = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(part, web.FileField):
            return web.json_response(error_body("expected purpose batch and a file", "invalid"), status=400)
        name = self._keep(part.file.read().decode())
        return web.json_response(
            {"id": name, "object": "file", "purpose": "batch", "filename": part.filename}
        )

    async def _fetch(self, request: web.Request) -> web.Response:
        if (refused := self._refused("fetch")) is not None:
            return refused
        content = self._files.get(request.match_info["name"])
        if content is None:
            return _unknown("file")
        return web.Response(text=content, content_type="application/jsonl")

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if (refused := self._refused("create")) is not None:
            return refused
        content = self._files.get(asked["input_file_id"])
        if content is None:
            return _unknown("file")
        lines = [json.loads(line) for line in content.splitlines() if line]
        batch = FakeBatch(
            number=len(self._batches) + 1,
            file=asked["input_file_id"],
            metadata=asked.get("metadata") or {},
            asks=[(line["custom_id"], line["body"]) for line in lines],
            rules=self._plan().strike_batch(BATCH_KINDS, content.encode()),
        )
        self._batches[batch.name] = batch
        if self._plan().strike_batch(BATCH_REQUEST_KINDS - {"batch_status"}, b""):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.json_response(batch.described())

    async def _list(self, request: web.Request) -> web.Response:
        if (refused := self._refused("list")) is not None:
            return refused
        latest = list(reversed(self._batches.values()))
        after = request.query.get("after")
        start = next((place + 1 for place, batch in enumerate(latest) if batch.name == after), 0)
        page = latest[start : start + PAGE]
        data = [batch.described() for batch in page]
        return web.json_response({"object": "list", "data": data, "has_more": start + PAGE < len(latest)})

    async def _look(self, request: web.Request) -> web.Response:
        if (refused := self._refused("look")) is not None:
            return refused
        batch = self._batches.get(request.match_info["name"])
        if batch is None:
            return _unknown("batch")
        self._go_on(batch)
        return web.json_response(batch.described())

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["name"])
        if batch is None:
            return _unknown("batch")
        if not batch.files and batch.status in {"validating", "in_progress"}:
            self._finish(batch, "cancelled", batch.done)
        return web.json_response(batch.described())

    def _go_on(self, batch: FakeBatch) -> None:
        """One has looked: it goes from state to state."""
        if batch.status not in {"validating", "in_progress"}:
            return
        batch.looks += 1
        waits, slow = batch.polls("batch_waits"), batch.polls("batch_slow")
        if batch.looks <= waits:
            return
        failed = next((rule for rule in batch.rules if rule.kind == "batch_failed"), None)
        if failed is not None:
            batch.status, batch.error = "failed", str(failed.body or "failed by a fault rule")
        elif batch.looks <= waits + slow:
            batch.status = "in_progress"
            batch.done = len(batch.asks) * (batch.looks - waits) // (slow + 1)
        else:
            for status in ("expired", "cancelled"):
                share = batch.share(f"batch_{status}")
                if share is not None:
                    self._finish(batch, status, int(len(batch.asks) * share))
                    return
            self._finish(batch, "completed", len(batch.asks))

    def _finish(self, batch: FakeBatch, status: str, answered: int) -> None:
        """Answer the first lines, and put all into two files."""
        output: list[str] = []
        errors: list[str] = []
        for place, (name, body) in enumerate(batch.asks):
            if place < answered:
                self._answer(name, body, output, errors)
            else:
                error = {"code": f"batch_{status}", "message": f"the batch is {status}"}
                errors.append(json.dumps({"custom_id": name, "response": None, "error": error}))
        if any(rule.kind == "batch_shuffled" for rule in batch.rules):
            for lines in (output, errors):
                lines.sort(key=lambda line: fraction(line.encode()))
        batch.status, batch.done, batch.failed = status, len(output), len(errors)
        for kind, lines in (("output", output), ("error", errors)):
            if lines:
                batch.files[kind] = self._keep("".join(f"{line}\n" for line in lines))

    def _answer(self, name: str, body: dict[str, Any], output: list[str], errors: list[str]) -> None:
        """One line, as the same request would be answered by itself."""
        raw = json.dumps(body).encode()
        entry = self._ledger.add(raw, None, name)
        status, payload, rules = self._reply(entry, body)
        self._ledger.end(entry)
        kinds = {rule.kind for rule in rules}
        if kinds & _SILENT:
            return
        try:
            told = json.loads(payload)
        except _UNREADABLE:
            told = payload.decode(errors="replace")
        response = {"status_code": status, "request_id": f"req_{entry.number}", "body": told}
        line = json.dumps(
            {"id": f"line_{entry.number}", "custom_id": name, "response": response, "error": None}
        )
        if "line_garbled" in kinds:
            line = line[: len(line) // 2]
        lines = output if status == 200 else errors
        lines += [line] * (2 if "line_twice" in kinds else 1)

    def _reply(self, entry: Entry, body: dict[str, Any]) -> tuple[int, bytes, list[Rule]]:
        try:
            self._ledger.identify(entry, key := request_hash(body))
            reply = compose(body, key, self._seed)
        except _UNREADABLE as error:
            entry.status = 400
            return 400, json.dumps(error_body(f"cannot read the request: {error}", "invalid")).encode(), []
        structured = isinstance(reply.value, dict) and bool(reply.value)
        rules = self._plan().strike(
            entry.raw, response_format(body), structured, key, entry.attempt, in_batch=True
        )
        entry.faults = [rule.kind for rule in rules]
        entry.status, payload = _early(rules)
        if entry.status == 200:
            for rule in rules:
                mutate(reply, rule)
            payload = reply.encode()
            for _, whole in filter(None, map(whole_body, rules)):
                payload = whole
            entry.paid = _UNANSWERED.isdisjoint(entry.faults)
            entry.sent_whole = True
        return entry.status, payload, rules

    def _keep(self, content: str) -> str:
        name = f"file_{len(self._files) + 1:06}"
        self._files[name] = content
        return name


def _early(rules: Sequence[Rule]) -> tuple[int, bytes]:
    """The answer of a final fault; 200 where there is none."""
    last = rules[-1] if rules else None
    if last is not None and last.kind == "status":
        fallback = error_body(f"status {last.code} by a fault rule", "fault")
        return last.code, json.dumps(last.body or fallback).encode()
    if last is not None and last.kind.startswith("no_"):
        status, refusal = refusal_of_format(last.kind)
        return status, json.dumps(refusal).encode()
    return 200, b""


def _unknown(what: str) -> web.Response:
    return web.json_response(error_body(f"no such {what}", "invalid_request_error"), status=404)
