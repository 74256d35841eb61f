"""``market-agents lab`` and ``market-agents verify`` as a user types them."""

from __future__ import annotations

import pytest

from market_agents.cli import main
from market_agents.experiments import Bench, Finding, reference


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_lab_tells_what_sessions_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(
        capsys, "lab", "--market", "A", "--trader", "truthful", "--institution", "call", "--periods", "2",
        "--sessions", "3", "--seed", "1", "--processes", "1",
    )  # fmt: skip
    assert code == 0
    assert "market A, truthful, call: 3 sessions of 2 periods, seeds from 1" in out
    assert "price 200 to 200, quantity 5 to 6, surplus 750" in out
    rows = {line[:38].strip(): line[38:].split() for line in out.splitlines() if "±" in line}
    assert rows["efficiency"] == ["1.0000", "±", "0.0000"] * 3
    assert rows["mean price"] == ["200.00", "±", "0.00"] * 3


def test_lab_is_decided_by_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("lab", "--sessions", "2", "--periods", "1", "--processes", "1", "--seed")
    first, again, other = (said(capsys, *command, seed)[1].splitlines()[3:] for seed in ("5", "5", "6"))
    assert first == again != other


def test_lab_takes_shocks_and_mixed_traders(capsys: pytest.CaptureFixture[str]) -> None:
    traders = ",".join(["zip"] * 11 + ["fixed:150"] * 11)
    code, out, _ = said(
        capsys, "lab", "--trader", traders, "--sessions", "2", "--periods", "2", "--shock", "2", "50", "0",
        "--processes", "1", "--activations", "300",
    )  # fmt: skip
    assert code == 0
    assert "period 2" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trader", "genius"], "unknown trader 'genius'; known are fixed:PRICE, gd"),
        (["--trader", "zip,zi_c"], "name one trader, or one for each of the 22 of market A"),
        (["--sessions", "0"], "--sessions must be at least 1"),
        (["--max-price", "0"], "--max-price must be at least 1"),
        (["--seed", "-1"], "--seed must not be below 0"),
        (["--shock", "1", "-100", "0"], "must not be negative"),
    ],
)
def test_mistakes_in_lab_are_told_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, "lab", "--processes", "1", "--periods", "1", "--sessions", "1", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_verify_tells_each_finding_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "verify", "A1", "A2", "--processes", "1", "--scale", "0.04")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 1 + 5 + 6 + 1
    assert all(line.endswith(" ok") for line in lines[1:-1])
    assert "0.6875" in out
    assert lines[-1].startswith("11 of 11 statistics are in their bands;")


def test_verify_fails_where_a_band_is_missed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(bench: Bench) -> list[Finding]:
        (finding, *_) = reference.a1_equilibrium(bench)
        return [Finding("A1", "x", "y", finding.estimate, 6, 7, "z")]

    monkeypatch.setitem(reference.EXPERIMENTS, "A1", broken)
    code, out, _ = said(capsys, "verify", "A1", "--processes", "1")
    assert code == 1
    assert "OUT OF BAND" in out
    assert "0 of 1 statistics" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["A11"], "unknown experiment 'A11'; known are A1, A2"),
        (["--seed", "-1"], "--seed must not be below 0"),
        (["--scale", "0"], "--scale above 0"),
    ],
)
def test_mistakes_in_verify_are_told_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, "verify", *arguments)
    assert (code, out) == (2, "")
    assert message in err
