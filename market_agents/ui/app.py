"""The application: addresses, pages, streams, and what an error looks like."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import resources
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from market_agents.errors import DatabaseAway, MarketAgentsError, RunRefused, UserError
from market_agents.plain_text import clean
from market_agents.reporting.report.colours import for_choice
from market_agents.storage import Database, Run
from market_agents.ui import agent_page, compare_page, report_page, run_page, runs_page, steps_page
from market_agents.ui.guard import COOKIE, Access, Guard
from market_agents.ui.site import Site
from market_agents.ui.watching import EVERY_SECONDS, Watch

LONGEST_BODY = 4096


def create_app(
    database: Database,
    access: Access,
    how_to_resume: Callable[[Run], str],
    every: float = EVERY_SECONDS,
) -> Starlette:
    """The live page as an ASGI application.

    Args:
        database: opened to read only.
        access: who may see it.
        how_to_resume: the command that goes on with a run, or nothing.
        every: seconds from one look at the database to the next, while somebody watches.
    """
    site = Site(database, how_to_resume)
    watch = Watch(site.look, every)

    async def changes(request: Request) -> Response:
        key = clean(request.path_params.get("run_id", ""))
        return StreamingResponse(watch.stream(key), media_type="text/event-stream")

    app = Starlette(
        routes=[
            Route("/", partial(runs_page.show, site)),
            Route("/changes", changes),
            Route("/compare", partial(compare_page.show, site)),
            Route("/login", partial(_login, site, access), methods=["GET", "POST"]),
            Route("/runs/{run_id}", partial(run_page.show, site)),
            Route("/runs/{run_id}/changes", changes),
            Route("/runs/{run_id}/steps", partial(steps_page.show, site)),
            Route("/runs/{run_id}/report", partial(report_page.show, site)),
            Route("/runs/{run_id}/agents/{agent_id}", partial(agent_page.show, site)),
            Route("/static/colours.css", _colours),
            Mount("/static", StaticFiles(directory=str(resources.files(__package__) / "static"))),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={
            HTTPException: partial(_http_error, site),
            MarketAgentsError: partial(_error, site),
            500: partial(_broken, site),
        },
    )
    app.state.watch = watch
    return app


def _colours(_: Request) -> Response:
    """The colours that reports have too."""
    return Response(for_choice(), media_type="text/css")


def _error(site: Site, _: Request, error: Exception) -> Response:
    status = (
        404 if isinstance(error, RunRefused | UserError) else 503 if isinstance(error, DatabaseAway) else 500
    )
    title = {404: "Not there", 503: "The database is away"}.get(status, "Something went wrong")
    return site.page("error.html.j2", status, title=title, message=str(error))


def _http_error(site: Site, _: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    title = "Not there" if status == 404 else "That cannot be done here"
    return site.page(
        "error.html.j2", status, title=title, message="There is no such page; all begins at the runs."
    )


def _broken(site: Site, _: Request, __: Exception) -> Response:
    return site.page(
        "error.html.j2",
        500,
        title="Something went wrong",
        message="The terminal that runs market-agents ui tells more.",
    )


async def _login(site: Site, access: Access, request: Request) -> Response:
    """Ask for the token, and put what stands for it into a cookie that no script can read."""
    target = _local(request.query_params.get("next", "/"))
    if request.method != "POST":
        return site.page("login.html.j2", next=target, wrong=False)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise HTTPException(413)
    given = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    if not access.is_token(given):
        return site.page("login.html.j2", 401, next=target, wrong=True)
    answer = RedirectResponse(target, 303)
    answer.set_cookie(COOKIE, access.session(), httponly=True, samesite="strict", path="/")
    return answer


def _local(path: str) -> str:
    """The path where it leads nowhere but to this page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
