"""Spans: what they tell, whom they hang under, where they go, and that none are made unless wanted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from market_agents import telemetry
from tests.end_to_end.stage import CANARY, asked, fingerprint, play, query
from tests.rig.fake_model_client import FakeModel

FILE = "market_simulation.db"
SMALL = {"num_agents": 2, "max_rounds": 1, "environment_configs.group_chat.sub_rounds": 1}


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", *telemetry.ENDPOINTS):
        monkeypatch.delenv(name, raising=False)


class Kept:
    """A tracer and what it was given."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def parent(self, span: ReadableSpan) -> ReadableSpan | None:
        return next(
            (
                one
                for one in self.spans
                if span.parent and one.context and one.context.span_id == span.parent.span_id
            ),
            None,
        )


def of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_run_is_a_tree_of_run_round_environment_step_and_ask(tmp_path: Path, fake_model: FakeModel) -> None:
    kept, url = Kept(), f"sqlite:///{tmp_path / FILE}"
    with telemetry.recording(kept.tracer):
        result = play(tmp_path, url, {**SMALL, "llm_configs": asked(fake_model, max_tokens=700)})
    asks = [span for span in kept.spans if span.name == "chat fake-model"]
    rows = {row["request_key"]: row for row in query(url, "SELECT * FROM llm_requests")}
    assert {of(span)["market_agents.request_key"] for span in asks} == rows.keys()
    for span in asks:
        told = of(span)
        row = rows[told["market_agents.request_key"]]
        assert told["gen_ai.operation.name"] == "chat"
        assert told["gen_ai.request.model"] == "fake-model"
        assert told["gen_ai.request.max_tokens"] == 700
        assert told["gen_ai.response.model"] == row["returned_model"]
        assert told["gen_ai.response.finish_reasons"] == (row["finish_reason"],)
        assert told["gen_ai.usage.input_tokens"] == row["prompt_tokens"]
        assert told["gen_ai.usage.output_tokens"] == row["completion_tokens"]
        assert told["gen_ai.agent.id"] == row["agent_id"]
        assert told["gen_ai.conversation.id"] == result.run_id
        assert told["server.address"] == "127.0.0.1"
        step = kept.parent(span)
        assert step is not None
        assert step.name == row["step"]
        assert of(step)["gen_ai.agent.id"] == row["agent_id"]
        environment = kept.parent(step)
        assert environment is not None
        assert environment.name == f"environment {row['environment']}"
        around = kept.parent(environment)
        assert around is not None
        assert (around.name, of(around)["market_agents.round"]) == ("round", 1)
        whole = kept.parent(around)
        assert whole is not None
        assert (whole.name, whole.parent) == ("run", None)
    said = [str(row["messages"]) for row in query(url, "SELECT content AS messages FROM messages")]
    everything = str([(span.name, of(span)) for span in kept.spans])
    assert not any(span.events for span in kept.spans)
    assert said
    assert not any(words in everything for words in said), "what is said is in the journal"


def test_an_ask_without_a_usable_answer_is_an_error(tmp_path: Path, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": "plain_prose"}])
    kept = Kept()
    changes = {
        **SMALL,
        "environment_order": ["group_chat"],
        "llm_configs": asked(fake_model),
        "max_abstention_share": 1,
    }
    with telemetry.recording(kept.tracer):
        play(tmp_path, f"sqlite:///{tmp_path / FILE}", changes)
    asks = [span for span in kept.spans if span.name == "chat fake-model"]
    assert asks
    assert all(span.status.status_code is StatusCode.ERROR for span in asks)
    assert Counter(of(span)["error.type"] for span in asks) == {"invalid": len(asks)}


def test_recording_changes_no_result(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / FILE}"
    plain = play(tmp_path, url, {**SMALL, "seed": 7})
    with telemetry.recording(Kept().tracer):
        recorded = play(tmp_path, url, {**SMALL, "seed": 7})
    assert fingerprint(url, plain.run_id) == fingerprint(url, recorded.run_id)


def test_secrets_are_hidden_and_errors_are_not_quoted() -> None:
    kept = Kept()
    with (
        telemetry.recording(kept.tracer, lambda text: text.replace(CANARY, "[hidden]")),
        pytest.raises(ValueError, match=CANARY),
        telemetry.span(f"chat {CANARY}", {"server.address": CANARY, "nothing": None}),
    ):
        raise ValueError(CANARY)
    [span] = kept.spans
    assert not span.events
    assert CANARY not in f"{span.name}{of(span)}{span.status.description}"
    assert of(span) == {"server.address": "[hidden]", "error.type": "ValueError"}


def test_without_a_recorder_there_is_nothing() -> None:
    with telemetry.span("run", {}) as marks:
        assert marks is None
    assert telemetry.span("run", {}) is telemetry.span("round", {}), "not even an object a span"


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_turn_it_on_and_off(variables: dict[str, str], wanted: bool) -> None:
    assert telemetry.is_wanted(variables) is wanted


async def test_a_collector_that_is_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released, ended = threading.Event(), threading.Event()

    class Away(TracerProvider):
        def shutdown(self) -> None:
            released.wait(20)
            ended.set()

    monkeypatch.setattr(telemetry, "LAST_SECONDS", 0.01)
    monkeypatch.setattr(telemetry, "_provider", lambda _: Away(shutdown_on_exit=False))
    async with telemetry.exporting({}, str):
        pass
    assert not ended.is_set(), "whoever runs an experiment waits for its results, not for its spans"
    released.set()


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """An OTLP receiver on loopback: its address and what it took."""
    taken: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            taken.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
        server.shutdown()
        thread.join()


def test_spans_arrive_at_a_collector(
    tmp_path: Path, collector: tuple[str, list[ExportTraceServiceRequest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, taken = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    url = f"sqlite:///{tmp_path / FILE}"
    play(tmp_path, url, SMALL)
    resources = [part for request in taken for part in request.resource_spans]
    names = Counter(span.name for part in resources for scope in part.scope_spans for span in scope.spans)
    [count] = query(url, "SELECT COUNT(*) AS asks FROM llm_requests")
    assert sum(number for name, number in names.items() if name.startswith("chat ")) == count["asks"]
    assert (names["run"], names["round"]) == (1, 1)
    told = {pair.key: pair.value.string_value for part in resources for pair in part.resource.attributes}
    assert told["service.name"] == "market-agents"
