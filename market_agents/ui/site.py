"""What all pages share: the database, what is kept of it, and how a page is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from market_agents.plain_text import clean, for_terminal
from market_agents.storage import (
    Database,
    RoundSummary,
    Run,
    get_run,
    pulse,
    pulse_of_all,
    round_summaries,
)
from market_agents.ui import words
from market_agents.ui.memo import Memo
from market_agents.ui.watching import Sight, sight

T = TypeVar("T")

LONGEST_NUMBER = 12
"""Digits of a number in an address; what is longer is no number."""


@dataclass
class Site:
    """The pages' common ground.

    Attributes:
        database: opened to read only.
        how_to_resume: the command that goes on with a run; empty where there is nothing to go on with.
        memo: counts that are dear.
    """

    database: Database
    how_to_resume: Callable[[Run], str]
    memo: Memo = field(default_factory=Memo)

    def page(self, template: str, status: int = 200, /, **told: object) -> HTMLResponse:
        """A page from its template."""
        text = templates().get_template(template).render(site=self, **told)
        return HTMLResponse(text, status)

    def run(self, request: Request) -> Run:
        """The run that an address names.

        Raises:
            RunRefused: there is none of that name.
        """
        return get_run(self.database, clean(request.path_params["run_id"]))

    def look(self, key: str) -> Sight:
        """What watchers of a run, or of all runs where the key is empty, are told.

        Raises:
            RunRefused: the run is not there any more.
        """
        if not key:
            return sight(pulse_of_all(self.database), {})
        seen = pulse(self.database, key)
        return sight(seen, asdict(seen))

    def rounds(self, run: Run) -> list[RoundSummary]:
        """The rounds of a run; those that were recorded whole before the last one was are not counted again."""
        seen = pulse(self.database, run.run_id)
        whole, kept = self.memo.peek(_key("rounds", run)) or (0, [])

        def count() -> tuple[int, list[RoundSummary]]:
            done = [entry for entry in kept if entry.round < whole]
            since = done[-1].round + 1 if done else 0
            return seen.finished, done + round_summaries(self.database, run.run_id, since)

        return self.memo.get(_key("rounds", run), sight(seen, {}).version, count, rests=False)[0][1]

    def known_rounds(self, run: Run) -> list[RoundSummary] | None:
        """The rounds of a run as they were last counted; None where they never were."""
        found: tuple[int, list[RoundSummary]] | None = self.memo.peek(_key("rounds", run))
        return None if found is None else found[1]

    def of_run(self, what: str, run: Run, count: Callable[[], T]) -> tuple[T, bool]:
        """Something counted from a run, and whether it is up to date."""
        return self.memo.get(_key(what, run), self.look(run.run_id).version, count)


def _key(what: str, run: Run) -> tuple[str, str, str]:
    """An id may come back after its run was deleted, but not with the same beginning."""
    return what, run.run_id, run.started_at.isoformat()


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from an address, brought into its range; the default where there is none."""
    given = request.query_params.get(name, "")
    if not (given.isascii() and given.isdecimal() and len(given) <= LONGEST_NUMBER):
        return default
    return max(low, min(int(given), high))


@dataclass(frozen=True)
class Paging:
    """A page of a long list.

    Attributes:
        page: counted from 1.
        size: the most rows of a page.
        total: rows of all pages.
    """

    page: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(-(-self.total // self.size), 1)

    @property
    def offset(self) -> int:
        """Rows on the pages before."""
        return (self.page - 1) * self.size

    @property
    def span(self) -> str:
        """The rows shown, in words."""
        last = min(self.offset + self.size, self.total)
        return f"{self.offset + 1:,}–{last:,} of {self.total:,}" if self.total else "none"


def paging(request: Request, name: str, size: int, total: int) -> Paging:
    """The page that an address asks for."""
    pages = max(-(-total // size), 1)
    return Paging(number(request, name, 1, 1, pages), size, total)


def _inert(value: object) -> object:
    """What is put into a page, without characters that would steer or turn what is around them."""
    return for_terminal(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def templates() -> Environment:
    """The templates with their filters; text is calmed and escaped wherever it is put in."""
    environment = Environment(
        loader=PackageLoader("market_agents.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Callable[..., Any]] = {
        name: getattr(words, name)
        for name in ("amount", "dollars", "share", "whole", "figure", "instant", "machine_instant", "lasted")
    }
    environment.filters |= {
        **filters,
        "calm": words.calm,
        "one_line": words.in_one_line,
        "as_text": words.as_text,
        "count_of": words.count_of,
    }
    environment.globals |= {"STATUS": words.STATUS_WORDS}
    return environment
