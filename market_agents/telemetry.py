"""Spans of a run for OpenTelemetry; nothing, and at no cost, unless somebody asked for them.

They tell when what happened, how long it took and what it used, never what was said: prompts and answers are in the
journal.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from market_agents.extras import install_command

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger(__name__)

SERVICE = "market-agents"
LAST_SECONDS = 3.0
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Value: TypeAlias = str | int | float | bool | Sequence[str]
Attributes: TypeAlias = Mapping[str, Value | None]
"""What a span tells; what is None is left out."""


class Marks:
    """Takes what becomes known while a span lasts."""

    def __init__(self, span: Span, redact: Callable[[str], str]) -> None:
        self._span, self._redact = span, redact

    def add(self, attributes: Attributes) -> None:
        """Tell more."""
        self._span.set_attributes(_inert(attributes, self._redact))

    def failed(self, kind: str) -> None:
        """Mark that it came to nothing, and why in one word."""
        from opentelemetry.trace import StatusCode  # there, or there would be no span

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


@dataclass(frozen=True, slots=True)
class _Recorder:
    tracer: Tracer
    redact: Callable[[str], str]

    @contextmanager
    def span(self, name: str, attributes: Attributes, *, is_call: bool) -> Iterator[Marks]:
        from opentelemetry.trace import SpanKind  # as above

        with self.tracer.start_as_current_span(
            self.redact(name),
            kind=SpanKind.CLIENT if is_call else SpanKind.INTERNAL,
            attributes=_inert(attributes, self.redact),
            record_exception=False,  # its text may quote anything
            set_status_on_exception=False,
        ) as span:
            marks = Marks(span, self.redact)
            try:
                yield marks
            except BaseException as error:  # whatever ends the span is told in it, and goes on
                marks.failed(type(error).__name__)
                raise


_recorder: ContextVar[_Recorder | None] = ContextVar("market_agents_recorder", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def is_recording() -> bool:
    """Whether spans are wanted here; for whoever would have to gather what they tell."""
    return _recorder.get() is not None


def span(name: str, attributes: Attributes, *, is_call: bool = False) -> AbstractContextManager[Marks | None]:
    """What happens in the block, as a span under that which surrounds it.

    Args:
        name: of few different ones.
        attributes: what is known at the beginning.
        is_call: whether somebody outside is asked.
    """
    recorder = _recorder.get()
    return _NOTHING if recorder is None else recorder.span(name, attributes, is_call=is_call)


@contextmanager
def recording(tracer: Tracer, redact: Callable[[str], str] = str) -> Iterator[None]:
    """Record what happens in the block with a tracer; secrets are hidden by ``redact``."""
    token = _recorder.set(_Recorder(tracer, redact))
    try:
        yield
    finally:
        _recorder.reset(token)


@asynccontextmanager
async def exporting(variables: Mapping[str, str], redact: Callable[[str], str]) -> AsyncIterator[None]:
    """Send what happens in the block to where OpenTelemetry's own variables say; nowhere unless they do.

    Args:
        variables: the process's environment.
        redact: hides secrets.
    """
    present = _recorder.get()
    if present is not None:
        with recording(present.tracer, redact):
            yield
        return
    provider = _provider(variables)
    if provider is None:
        yield
        return
    try:
        with recording(provider.get_tracer(SERVICE), redact):
            yield
    finally:
        await _send_the_last(provider)


async def _send_the_last(provider: TracerProvider) -> None:
    """Send what is left, for so long; nobody may be there to take it, and the library would go on trying."""
    sending = threading.Thread(
        target=provider.shutdown, name="last-spans", daemon=True
    )  # the process may end before
    sending.start()
    await asyncio.to_thread(sending.join, LAST_SECONDS)
    if sending.is_alive():
        log.warning("the last spans were not taken within %g s: is the collector there?", LAST_SECONDS)


def is_wanted(variables: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables ask for spans by OTLP."""
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if variables.get("OTEL_TRACES_EXPORTER", "otlp").strip() not in {"", "otlp"}:
        return False
    return any(variables.get(name, "").strip() for name in ENDPOINTS)


def _provider(variables: Mapping[str, str]) -> TracerProvider | None:
    if not is_wanted(variables):
        return None
    try:
        # The extra's, half a second to import.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.info("spans need the extra telemetry: %s", install_command("telemetry"))
        return None
    named = variables.get("OTEL_SERVICE_NAME") or "service.name=" in variables.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if named else {"service.name": SERVICE})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _inert(attributes: Attributes, redact: Callable[[str], str]) -> dict[str, Value]:
    return {
        name: redact(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
