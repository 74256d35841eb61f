"""The report of a run, as `market-agents report` writes it."""

from __future__ import annotations

import threading

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from market_agents.experiments.baselines import baselines_of
from market_agents.reporting.report import make_report
from market_agents.reporting.report.page import as_html
from market_agents.ui.site import Site

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
"""A report carries its style within; it has no script."""

_making = threading.Lock()
"""A report of a long run takes seconds of a processor: one at a time, so that pages stay quick."""


def show(site: Site, request: Request) -> Response:
    """The whole report."""
    run = site.run(request)

    def make() -> str:
        with _making:
            return as_html(make_report(site.database, run.run_id, baselines_of(run.config)))

    text, _ = site.of_run("report", run, make)
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})
