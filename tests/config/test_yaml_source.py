from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from market_agents import yaml_source
from market_agents.errors import ConfigError
from market_agents.yaml_source import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml, resolve_scalar, scan_yaml

CEILING = 1.0


@pytest.fixture(params=["libyaml", "pure Python"])
def each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs with the parser that is there and with the one that always is."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_source, "_Loader", yaml.SafeLoader)
    return str(request.param)


def refusal(text: str) -> list[tuple[str, int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "file.yaml")
    assert all(mistake.file == "file.yaml" for mistake in caught.value.mistakes)
    return [(mistake.path, mistake.line, mistake.message) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("tRUE", "tRUE"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1,000", "1,000"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("1e", "1e"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("1e400", math.inf),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("-", "-"),
        ("٣", "٣"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = resolve_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_number_that_models_refuse() -> None:
    value = resolve_scalar(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_number_of_5000_digits_becomes_infinite() -> None:
    assert resolve_scalar("9" * 5000) == math.inf


def test_document_becomes_plain_data(each_parser: str) -> None:
    text = "a: 1\nb:\n  - x\n  - {c: 2.5, d: 'NO'}\n  - [1, [2]]\ne: |\n  two\n  lines\nf: \"12\"\ng:\n"
    expected = {
        "a": 1,
        "b": ["x", {"c": 2.5, "d": "NO"}, [1, [2]]],
        "e": "two\nlines\n",
        "f": "12",
        "g": None,
    }
    assert parse_yaml(text, "f").data == expected


def test_lines_of_keys_items_and_of_what_is_not_there(each_parser: str) -> None:
    document = parse_yaml("# head\na: 1\nb:\n  c:\n    - x\n    - d: 1\n      e: 2\n", "f")
    assert document.line_of(["a"]) == 2
    assert document.line_of(["b"]) == 3
    assert document.line_of(["b", "c", 0]) == 5
    assert document.line_of(["b", "c", 1, "e"]) == 7
    assert document.line_of(["b", "c", 1, "unknown"]) == 6
    assert document.line_of(["b", "z", "y"]) == 3
    assert document.line_of(["nothing"]) == 1


def test_windows_line_ends_and_byte_order_mark_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = read_yaml(path)
    assert document.data == {"a": 1, "b": 2}
    assert document.line_of(["b"]) == 2


def test_every_duplicate_is_told(each_parser: str) -> None:
    found = refusal("a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n")
    assert found == [
        ("b.c", 2, "duplicate key, first given in line 2; keep one of them"),
        ("a", 3, "duplicate key, first given in line 1; keep one of them"),
        ("a", 4, "duplicate key, first given in line 1; keep one of them"),
    ]


@pytest.mark.parametrize(
    ("text", "path", "line", "words"),
    [
        ("a: &x 1\n", "a", 1, "an anchor is not allowed"),
        ("a: {b: &x [1]}\n", "a.b", 1, "an anchor is not allowed"),
        ("&x a: 1\n", "a", 1, "an anchor is not allowed"),
        ("a: 1\nb: *x\n", "b", 2, "an alias is not allowed"),
        ("a: 1\n*x : 2\nc: 3\n", "", 2, "an alias is not allowed"),
        ("a: !!python/object:os.system x\n", "a", 1, "a tag is not allowed"),
        ("a: !custom {b: 1}\n", "a", 1, "a tag is not allowed"),
        ("a: !!str 1\n", "a", 1, "a tag is not allowed"),
        ("a: ! 1\n", "a", 1, "a tag is not allowed"),
        ("a: 1\n<<: {b: 1}\n", "", 2, "the merge key << is not allowed"),
        ("1: a\n", "", 1, "a key must be text, got 1"),
        ("a:\n  true: a\n", "a", 2, "a key must be text, got true"),
        ("~: a\n", "", 1, "a key must be text, got nothing"),
        ("? [a]\n: {b: 1}\n", "", 1, "a key must be text, got a list"),
        ("? {a: 1}\n: b\n", "", 1, "a key must be text, got a mapping"),
        ("a: 1\n---\nb: 2\n", "", 2, "a second document begins here"),
        ('a: "x\\0y"\n', "a", 1, "the character U+0000 is not allowed"),
        ('a: "\\e[31m"\n', "a", 1, "the character U+001B is not allowed"),
    ],
)
def test_what_yaml_hides_is_refused(each_parser: str, text: str, path: str, line: int, words: str) -> None:
    found = refusal(text)
    assert [(where, number) for where, number, _ in found] == [(path, line)]
    assert words in found[0][2]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("# nothing but a comment\n", 1, "empty"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: 1\n  \tb: 1\n", 2, "tab"),
        ("a: 'x\n", None, "not YAML"),
        ("a: b: c\n", 1, "quote text that holds a colon"),
        ("a:1\nb: 2\n", 1, "no space after the colon of 'a'"),
        ("c: 3\na:1\nb: 2\n", 2, "no space after the colon of 'a'"),
        ("a:\xa01\nb: 2\n", 1, "a no-break space (U+00A0)"),
        ("a: @b\n", 1, "quote text that begins with @"),
        ("a:\n  b: 1\n c: 2\n", 3, "indentation"),
        ("a: 1\nb: x\x00\n", 2, "U+0000"),
        ("a: \ud800\n", 1, "U+D800"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(
    each_parser: str, text: str, line: int | None, words: str
) -> None:
    found = refusal(text)
    assert len(found) == 1
    assert words in found[0][2]
    assert line is None or found[0][1] == line


def test_what_follows_a_refused_key_is_still_read(each_parser: str) -> None:
    document = scan_yaml("? [a, {b: c}]\n: [d]\n*x : 1\n<<: {e: 1}\n2: {f: 1}\ng: 3\n", "f")
    assert document.data == {"g": 3}
    assert [mistake.line for mistake in document.mistakes] == [1, 3, 4, 5]


def test_messages_repeat_no_value() -> None:
    text = "db_password: *hunter2\napi_key_env: !hunter2 x\nother: &hunter2 x\n"
    assert "hunter2" not in str(refusal(text))
    assert "hunter2" not in str(refusal("db_password: 'hunter2\nx: y"))


def test_mistakes_beyond_a_hundred_are_not_shown() -> None:
    found = refusal("".join(f"{number}: x\n" for number in range(500)))
    assert len(found) == 101
    assert found[-1][2] == "further mistakes are not shown"


def test_missing_folder_and_foreign_encoding(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: not UTF-8 text"):
        read_yaml(latin)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(Path("a\0b"))


def test_depth_50_is_read_and_51_refused(each_parser: str) -> None:
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").data
    assert "deeper than 50" in refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[0][2]


def _alias_bomb() -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        _alias_bomb(),
        "a: !!python/object/apply:os.system ['true']",
        "[" * 10_000,
        "{a: " * 10_000,
        "- " * 10_000 + "x",
        "? " * 10_000 + "x",
        "".join(" " * n + "a:\n" for n in range(600)),
        "\n".join("a: 1" for _ in range(20_000)),
    ],
    ids=[
        "alias bomb",
        "tag",
        "lists",
        "mappings",
        "block lists",
        "complex keys",
        "block mappings",
        "duplicates",
    ],
)
def test_C02_attacks_are_refused_within_a_second(each_parser: str, text: str) -> None:
    start = time.process_time()
    assert refusal(text)
    assert time.process_time() - start < CEILING


def test_C02_a_file_of_50_megabytes_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    monkeypatch.setattr(yaml, "parse", lambda *_args, **_named: pytest.fail("parsed"))
    start = time.process_time()
    with pytest.raises(ConfigError, match=r"52,428,800 bytes; a configuration has at most 262,144"):
        read_yaml(path)
    assert time.process_time() - start < CEILING


def test_an_endless_file_is_read_no_further_than_allowed() -> None:
    with pytest.raises(ConfigError, match="bytes; a configuration has at most"):
        read_yaml(Path("/dev/zero"))


def test_text_over_the_limit_is_refused() -> None:
    assert "at most 262,144" in refusal("a: " + "x" * MAX_BYTES)[0][2]


def told(text: str) -> list[str]:
    """What is said about a text; whatever else it raises fails the test."""
    try:
        parse_yaml(text, "f")
    except ConfigError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert all(line.startswith("f:") and "\n" not in line for line in told(text))


@given(st.text(alphabet="ab:-[]{}*&!?|>'\"#%@,.~<0 \n\t", max_size=80))
def test_any_yaml_like_text_is_read_or_refused(text: str) -> None:
    assert all(line.startswith("f:") and "\n" not in line for line in told(text))


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_TREES = st.recursive(
    _LEAVES | st.text("abN0.:-~ é\n", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("xyz", min_size=1), _TREES, min_size=1), st.booleans())
def test_json_is_yaml(tree: dict[str, object], ascii_only: bool) -> None:
    assert parse_yaml(json.dumps(tree, ensure_ascii=ascii_only), "f").data == tree
