"""The collector itself: what it would not let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from tests.docs.commands import check_shell, unfit, unknown_words
from tests.docs.configurations import check_yaml
from tests.docs.pages import blocks_of, matches


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ("market-agents rnu", "no verb 'rnu'"),
        ("market-agents run --sed 7 && echo done", "--sed"),
        ("echo x | market-agents digest", "RUN_ID"),
        ("market-agents lab --market Z", "'Z'"),
        (".venv/bin/market-agents report RUN_ID \\\n  --format doc", "'doc'"),
        ("python -m market_agents.meta_orchestrator --rounds 3", "--rounds"),
        ("scripts/run --enviroments x", "--enviroments"),
        ("for seed in 1 2; do market-agents run --sed $seed; done", "--sed"),
        ("scripts/walk", "no scripts/walk"),
        ("for x in; do", "bash cannot read it"),
    ],
)
def test_a_command_that_nobody_can_type_is_found(block: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.replace("(", r"\(")):
        check_shell(block)


@pytest.mark.parametrize(
    "block",
    [
        "market-agents run my.yaml --seed 7 --set budget.max_cost=1 >log 2>&1  # a remark",
        "for seed in 1 2; do MPLBACKEND=Agg market-agents run --seed $seed; done",
        "curl --sed 7",
    ],
)
def test_a_command_that_can_be_typed_passes(block: str) -> None:
    check_shell(block)


def test_what_installs_or_would_not_end_is_found() -> None:
    assert unfit("cd x && market-agents fake-model --port 8080")
    assert unfit("pip install -e .")
    assert not unfit("market-agents run; market-agents ui --help")


@pytest.mark.parametrize(
    ("mention", "unknown"),
    [
        ("market-agents runs", []),
        ("market-agents export --format csv", []),
        ("market-agents export --form csv", ["--form"]),
        ("market-agents eksport", ["eksport"]),
        ("market-agents VERB --help", []),
    ],
)
def test_what_running_text_names_is_looked_up(mention: str, unknown: list[str]) -> None:
    assert unknown_words(mention) == unknown


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        ("budget: {max_costs: 3}", "", "max_costs"),
        ("agent_config: {num_units: 0}", "", "num_units"),
        ("- {name: a, modell: b}", "llm_configs", "modell"),
        ("sub_rounds: many", "environment_configs.auction", "sub_rounds"),
        ("num_agents: 2\nmax_rounds: 1\nenvironment_order: [bazaar]", "", "bazaar"),
    ],
)
def test_yaml_that_would_be_refused_is_found(tmp_path: Path, text: str, place: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        check_yaml(text, place, tmp_path)


@pytest.mark.parametrize(
    ("told", "shown", "same"),
    [
        ("a 1.5 s\nb\n", "a … s\nb\n", True),
        ("a 1.5 s\nb\n", "a … ms\nb\n", False),
        ("x\ny\nz\n", "x\n…\n", True),
        ("x\ny\nz\n", "x\n…\ny\n", False),
        ("\n\nrun 20261125-205431-fbb467 \n", "run RUN_ID\n", True),
        ("trades 3\n", "trades 4\n", False),
    ],
)
def test_output_is_compared_but_for_what_is_marked(told: str, shown: str, same: bool) -> None:
    assert matches(told, shown) is same


def test_remarks_belong_to_the_next_block() -> None:
    (first, second) = blocks_of("<!-- not run: dear -->\n```bash\nx\n```\n\n```text\ny\n```\n")
    assert (first.line, first.text, first.remarks) == (3, "x\n", {"not run": "dear"})
    assert (second.language, second.remarks) == ("text", {})


@pytest.mark.parametrize(
    "page", ["<!-- not ran: dear -->\n```bash\nx\n```", "<!-- output -->\nwords\n```text\n```"]
)
def test_a_remark_that_says_nothing_is_found(page: str) -> None:
    with pytest.raises(ValueError, match="line "):
        blocks_of(page)
