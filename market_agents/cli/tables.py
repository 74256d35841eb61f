"""Tables as plain text that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.output import counted
from market_agents.plain_text import amount, one_line
from market_agents.reporting.comparison import RunFigures
from market_agents.storage import ResourceUse, RoundSummary, Standing, Unconfirmed

SHOWN_AGENTS = 10
SHOWN_ROUNDS = 40
SHOWN_DIFFERENCES = 12
SHOWN_ASKS = 3


def resource_line(use: ResourceUse) -> str:
    """What a run took of its machine, on two lines."""
    memory = "" if use.memory_bytes is None else f", {use.memory_bytes / 1e6:.0f} MB of memory"
    return (
        f"took {use.cpu_seconds:.1f} s of processor time in {use.wall_seconds:.1f} s{memory}\n"
        f"at most {use.in_flight} in flight; event loop held up {use.loop_lag_ms:.0f} ms at worst"
    )


def unconfirmed_line(perhaps: Unconfirmed) -> str:
    """What may have been paid without an answer, and for which asks; empty where there is nothing."""
    if not perhaps.attempts:
        return ""
    keys = ", ".join(perhaps.keys[:SHOWN_ASKS])
    more = len(perhaps.keys) - SHOWN_ASKS
    named = f"{keys} and {more} more" if more > 0 else keys
    return (
        f"{counted(perhaps.attempts, 'call')} without an answer may have been paid: at most {perhaps.tokens:,} tokens, "
        f"${perhaps.cost:.4f} ({named})"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns under headings; the first ``left`` columns are words and stand left, the others are numbers."""
    widths = [max(len(row[index]) for row in [headings, *rows]) for index in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(aligned).rstrip()

    return "\n".join([line(headings), line(["─" * width for width in widths]), *map(line, rows)])


def rounds_table(rounds: Sequence[RoundSummary]) -> str:
    """One line a round: the market, the talk, and what it cost; what caches saved, where they saved anything."""
    caching = any(entry.cached_tokens for entry in rounds)
    headings = ["round", "trades", "price", "equil.", "effic.", "messages", "calls", "tokens", "cost $"]
    headings += ["cached"] if caching else []
    shown = list(rounds[-SHOWN_ROUNDS:])
    rows = [
        [
            str(entry.round),
            str(entry.trades),
            amount(entry.mean_price),
            amount(entry.equilibrium_price),
            "–" if entry.efficiency is None else f"{entry.efficiency:.1%}",
            str(entry.messages),
            str(entry.calls),
            f"{entry.tokens:,}",
            "unknown" if entry.cost is None else f"{entry.cost:.4f}",
            *([f"{entry.cached_share or 0:.0%}"] if caching else []),
        ]
        for entry in shown
    ]
    hidden = len(rounds) - len(shown)
    note = f"\n({hidden} earlier rounds are in the table auction_rounds)" if hidden else ""
    return f"\n{table(headings, rows)}{note}\n"


def leaderboard_table(standings: Sequence[Standing]) -> str:
    """The agents that earned most."""
    headings = ["agent", "name", "role", "mind", "profit", "units", "orders"]
    rows = [
        [
            entry.agent_id,
            one_line(entry.name, 16),
            entry.role,
            one_line(entry.mind, 14),
            amount(entry.profit),
            str(entry.units),
            str(entry.orders),
        ]
        for entry in standings[:SHOWN_AGENTS]
    ]
    hidden = len(standings) - len(rows)
    note = f"\n({hidden} more in the view v_agent_performance)" if hidden > 0 else ""
    return f"{table(headings, rows, left=4)}{note}\n"


def comparison_table(runs: Sequence[RunFigures]) -> str:
    """One line a run, then the keys in which each differs from the first."""
    headings = ["run", "trades", "price", "gap", "effic.", "alpha", "msgs", "cost $"]
    rows = [
        [
            one_line(run.run_id, 22),
            str(run.trades),
            _number(run.mean_price),
            _number(run.price_gap),
            "–" if run.efficiency is None else f"{run.efficiency:.1%}",
            _number(run.smith_alpha),
            str(run.messages),
            "?" if run.cost is None else f"{run.cost:.2f}",
        ]
        for run in runs
    ]
    lines = [
        table(headings, rows),
        "",
        "price, gap (price less equilibrium), efficiency and alpha: means over rounds",
    ]
    for run in runs[1:]:
        lines += ["", f"{run.run_id} differs from {runs[0].run_id} in"]
        shown = run.differences[:SHOWN_DIFFERENCES]
        hidden = len(run.differences) - len(shown)
        lines += [f"  {one_line(difference, 78)}" for difference in shown] or [
            "  nothing that decides results"
        ]
        lines += [f"  … and {hidden} more keys"] if hidden else []
        if run.status != "completed":
            lines.append(f"  and is {run.status}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
