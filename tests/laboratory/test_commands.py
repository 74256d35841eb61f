"""``market-agents lab`` and ``market-agents verify`` as a user types them."""

from __future__ import annotations

import csv
import json

import pytest

from market_agents.cli import main
from market_agents.cli import verify as verify_verb
from market_agents.experiments import MEASURES, Bench, Finding, reference


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def widest(out: str) -> int:
    return max(map(len, out.splitlines()))


def test_lab_tells_what_sessions_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(
        capsys, "lab", "--market", "A", "--trader", "truthful", "--institution", "call", "--periods", "2",
        "--sessions", "3", "--seed", "1", "--processes", "1",
    )  # fmt: skip
    assert code == 0
    assert "market A, truthful, call: 3 sessions of 2 periods, seeds 1 to 3" in out
    assert "price 200, quantity 5 to 6, surplus 750" in out
    rows = {line[:26].strip(): line[26:].split() for line in out.splitlines() if "±" in line}
    assert rows["efficiency"] == ["1.0000", "±", "0.0000"] * 3
    assert rows["mean price"] == ["200.00", "±", "0.00"] * 3
    for name in MEASURES:
        assert f"\n{name.replace('_', ' ')}" in out
    assert "by trade number: 0.0 0.0 0.0 0.0 0.0 0.0" in out
    assert widest(out) <= 80


def test_lab_speaks_json_and_csv_about_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    command = (
        "lab", "--market", "GD", "--institution", "gs", "--periods", "3", "--sessions", "4", "--processes", "1",
        "--shock", "2", "10", "0",
    )  # fmt: skip
    code, out, _ = said(capsys, *command, "--json")
    assert code == 0
    assert out.count("\n") == 1
    told = json.loads(out)
    assert (told["market"], told["sessions"], told["shocks"]) == ("GD", 4, [[2, 10, 0]])
    assert told["equilibrium"]["surplus"] == 480
    assert list(told["measures"]) == ["all", "1", "2", "3"]
    assert set(told["measures"]["2"]) == set(MEASURES)
    efficiency = told["measures"]["all"]["efficiency"]
    assert efficiency["low"] < efficiency["mean"] < efficiency["high"]
    assert efficiency["observations"] == 4
    rows = list(csv.DictReader(said(capsys, *command, "--csv")[1].splitlines()))
    assert len(rows) == 4 * len(MEASURES)
    for row in rows:
        figures = told["measures"][row["period"]][row["measure"]]
        assert row["mean"] == ("" if figures["mean"] is None else str(figures["mean"]))


def test_what_is_not_defined_is_a_dash_or_null(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("lab", "--trader", "fixed:10", "--sessions", "1", "--periods", "1", "--processes", "1")
    _, out, _ = said(capsys, *command)
    assert "1 session of 1 period, seed 1" in out
    assert "nan" not in out.lower()
    (line,) = [line for line in out.splitlines() if line.startswith("mean price")]
    assert line.split()[2:] == ["–", "–"]
    _, out, _ = said(capsys, *command, "--json")
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["measures"]["1"]["mean_price"]["mean"] is None
    assert told["rmsd_slope"]["mean"] is None


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
    assert "market A, 11 zip + 11 fixed:150, lob" in out
    assert widest(out) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trader", "genius"], "unknown trader 'genius'; known are fixed:PRICE, gd"),
        (["--trader", "zip,zi_c"], "name one trader, or one for each of the 22 of market A"),
        (["--sessions", "0"], "--sessions must be at least 1"),
        (["--max-price", "0"], "--max-price must be at least 1"),
        (["--seed", "-1"], "--seed must not be below 0"),
        (["--seed", str(2**63)], "nor above 2^63 - 1"),
        (["--processes", "0"], "--processes must be at least 1"),
        (["--periods", "-3"], "--periods must be at least 1"),
        (["--activations", "0"], "--activations must be at least 1"),
        (["--shock", "0", "1", "0"], "--shock: periods count from 1"),
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
    assert [line[:4].strip() for line in lines[1:-2]] == ["A1", "ok"] * 5 + ["A2", "ok", "ok", "ok"] * 2
    assert "0.6875" in out
    assert lines[-1].startswith("11 of 11 statistics are in their bands;")


def test_verify_fits_a_terminal_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "LEAST_SESSIONS", 2)
    findings = list(reference.verify(Bench(scale=0.001)))
    monkeypatch.setattr(verify_verb, "verify", lambda *_: iter(findings))
    _, out, _ = said(capsys, "verify", "--processes", "1")
    assert widest(out) <= 80
    for finding in findings:
        assert finding.statistic in out
        assert finding.published in out
        assert f"{finding.experiment:<4}{finding.setup}" in out


def test_verify_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "verify", "A2", "--processes", "1", "--scale", "0.04", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["holds"] is True
    assert [finding["published"] for finding in told["findings"]] == ["constant"] * 6
    assert [finding["value"] for finding in told["findings"]] == [0, 0, 11, 0.6875, 0, 12]


def test_verify_fails_where_a_band_is_missed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(bench: Bench) -> list[Finding]:
        (finding, *_) = reference.a1_equilibrium(bench)
        return [Finding("A1", "x", "y", finding.estimate, 6, 7, "z")]

    monkeypatch.setitem(reference.EXPERIMENTS, "A1", broken)
    code, out, _ = said(capsys, "verify", "A1", "--processes", "1")
    assert code == 1
    assert "OUT y" in out
    assert "0 of 1 statistics" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["A11"], "unknown experiment 'A11'; known are A1, A2"),
        (["--seed", "-1"], "--seed must not be below 0"),
        (["--scale", "0"], "--scale above 0"),
        (["--scale", "nan"], "--scale above 0"),
        (["--processes", "0"], "--processes must be at least 1"),
    ],
)
def test_mistakes_in_verify_are_told_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, "verify", *arguments)
    assert (code, out) == (2, "")
    assert message in err
