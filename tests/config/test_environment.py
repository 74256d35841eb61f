from __future__ import annotations

import os
from pathlib import Path

import pytest

from market_agents.config import LLMConfig, api_key, base_url, read_environment
from market_agents.errors import UserError

OPENAI = LLMConfig(name="o", client="openai", model="m")
OWN = LLMConfig(name="l", client="openai", model="m", base_url="http://localhost:8000/v1")
NAMED = LLMConfig(
    name="v", client="vllm", model="m", base_url="http://localhost:8000/v1", api_key_env="VLLM_KEY"
)
OFFLINE = LLMConfig(name="off", client="offline")


def write(folder: Path, text: str) -> Path:
    (folder / ".env").write_text(text, encoding="utf-8")
    return folder


def test_dotenv_below_the_process_and_empty_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MA_ONE", "process")
    monkeypatch.setenv("MA_TWO", "")
    write(tmp_path, "MA_ONE=file\nMA_TWO=file\nMA_THREE=\nMA_FOUR='a b'  # why\nexport MA_FIVE=5\n\n# end\n")
    found = read_environment(tmp_path)
    assert found["MA_ONE"] == "process"
    assert found["MA_TWO"] == "file"
    assert "MA_THREE" not in found
    assert found["MA_FOUR"] == "a b"
    assert found["MA_FIVE"] == "5"


def test_the_process_keeps_its_environment(tmp_path: Path) -> None:
    before = dict(os.environ)
    found = read_environment(write(tmp_path, "MA_NEW=1\n"))
    assert found["MA_NEW"] == "1"
    assert dict(os.environ) == before
    with pytest.raises(TypeError):
        found["MA_NEW"] = "2"  # type: ignore[index]


def test_nothing_is_interpolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MA_ONE", "1")
    found = read_environment(write(tmp_path, "MA_TWO=a${MA_ONE}b\nMA_THREE=p$MA_ONE#x\n"))
    assert found["MA_TWO"] == "a${MA_ONE}b"
    assert found["MA_THREE"] == "p$MA_ONE#x"


def test_no_dotenv_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MA_ONE", "1")
    assert read_environment(tmp_path)["MA_ONE"] == "1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nhunter2 hunter2\n", 2),
        ("A=1\n\n\n=hunter2\n", 4),
        ("A='hunter2\n", 1),
        ("# head\nhunter2\n", 2),
        ("A=1\nB hunter2=3\nC=1\n", 2),
    ],
)
def test_a_broken_line_is_told_without_its_text(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(UserError) as caught:
        read_environment(write(tmp_path, text))
    assert str(caught.value) == f"{tmp_path / '.env'}:{line}: expected NAME=value"


def test_a_dotenv_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(UserError, match=r"\.env: cannot be read: Is a directory"):
        read_environment(tmp_path)
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(UserError, match=r"\.env: cannot be read: not UTF-8 text"):
        read_environment(tmp_path)


def test_the_example_is_a_dotenv_that_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    example = Path(__file__).parents[2] / ".env.example"
    text = example.read_text(encoding="utf-8")
    assert dict(read_environment(write(tmp_path, text))) == {}
    for name in ("DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT", "DB_NAME", "DATABASE_URL", "OPENAI_API_KEY"):
        assert f"{name}=" in text
    assert "OPENAI_BASE_URL=" in text


@pytest.mark.parametrize(
    ("entry", "environment", "expected"),
    [
        (OPENAI, {"OPENAI_API_KEY": "k"}, "k"),
        (OPENAI, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://p"}, "k"),
        (OPENAI, {"OPENAI_BASE_URL": "http://p"}, None),
        (OWN, {"OPENAI_API_KEY": "k"}, None),
        (OWN, {}, None),
        (NAMED, {"VLLM_KEY": "v", "OPENAI_API_KEY": "k"}, "v"),
        (OFFLINE, {}, None),
        (OFFLINE, {"OPENAI_API_KEY": "k"}, None),
    ],
)
def test_which_key_an_endpoint_gets(
    entry: LLMConfig, environment: dict[str, str], expected: str | None
) -> None:
    assert api_key(entry, environment) == expected


@pytest.mark.parametrize(("entry", "variable"), [(OPENAI, "OPENAI_API_KEY"), (NAMED, "VLLM_KEY")])
def test_a_missing_key_is_told_by_its_variable(entry: LLMConfig, variable: str) -> None:
    with pytest.raises(UserError, match=f"entry '{entry.name}': the variable {variable} is not set"):
        api_key(entry, {"OTHER": "x"})


@pytest.mark.parametrize("key", ["canary x", "canary\nx", "canaryé", "canary\r"])
def test_what_cannot_be_a_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY: not a key") as caught:
        api_key(OPENAI, {"OPENAI_API_KEY": key})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "environment", "expected"),
    [
        (OPENAI, {}, None),
        (OPENAI, {"OPENAI_BASE_URL": "http://proxy:4000/v1"}, "http://proxy:4000/v1"),
        (OWN, {"OPENAI_BASE_URL": "http://proxy:4000/v1"}, "http://localhost:8000/v1"),
    ],
)
def test_where_requests_go(entry: LLMConfig, environment: dict[str, str], expected: str | None) -> None:
    assert base_url(entry, environment) == expected


@pytest.mark.parametrize(
    "address", ["proxy:4000", "http://", "http://a:canary@h/", "http://h:99999/", "http://[x/"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UserError, match=r"^OPENAI_BASE_URL: expected an address") as caught:
        base_url(OPENAI, {"OPENAI_BASE_URL": address})
    assert "canary" not in str(caught.value)
