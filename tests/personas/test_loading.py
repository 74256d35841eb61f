from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.personas import Persona, load_personas
from tests.personas.people import AMARA, amara

EXAMPLE = resources.files("market_agents.personas").joinpath("example.yaml").read_text(encoding="utf-8")


def write(folder: Path, file: str, /, **changes: object) -> Path:
    path = folder / file
    lines = (f"{key}: {value}\n" for key, value in (AMARA | changes).items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def mistakes_in(folder: Path) -> list[tuple[str, str, int | None]]:
    """File name, key path and line of every mistake."""
    with pytest.raises(ConfigError) as caught:
        load_personas(folder)
    return [(Path(m.file or "").name, m.path, m.line) for m in caught.value.mistakes]


def test_the_shipped_example_is_a_persona(tmp_path: Path) -> None:
    (tmp_path / "amara.yaml").write_text(EXAMPLE, encoding="utf-8")
    assert load_personas(tmp_path) == (amara(trader_type="careful trader"),)


def test_files_come_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("10.yaml", "b.yaml", "Z.yaml", "2.yaml", "a.yaml"):
        write(tmp_path, name, name=name.removesuffix(".yaml") + " K.")
    assert [p.name for p in load_personas(tmp_path)] == ["10 K.", "2 K.", "Z K.", "a K.", "b K."]


def test_other_files_hidden_files_and_subfolders_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "amara.yaml")
    (tmp_path / "notes.txt").write_text("not a persona", encoding="utf-8")
    (tmp_path / ".draft.yaml").write_text("age: -1", encoding="utf-8")
    (tmp_path / "old.yaml").mkdir()
    write(tmp_path / "old.yaml", "broken.yaml", age=-1)
    assert load_personas(tmp_path) == (amara(),)


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", age=7, patience=1.5)
    write(tmp_path, "b.yaml")
    write(tmp_path, "c.yaml", zodiac="libra", name="7")
    (tmp_path / "d.yaml").write_text("- a\n- list\n", encoding="utf-8")
    (tmp_path / "e.yaml").write_text("age: 30\nage: 31\n", encoding="utf-8")
    write(tmp_path, "f.yml")
    found = mistakes_in(tmp_path)
    assert found[:5] == [
        ("a.yaml", "age", 2),
        ("a.yaml", "patience", 8),
        ("c.yaml", "name", 1),
        ("c.yaml", "zodiac", 15),
        ("d.yaml", "", 1),
    ]
    assert {file for file, _, _ in found[5:]} == {"e.yaml", "f.yml"}


def test_a_missing_key_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(
        "".join(EXAMPLE.splitlines(keepends=True)[:-3]).replace("honesty", "# honesty"), encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_personas(tmp_path)
    assert [mistake.path for mistake in caught.value.mistakes] == ["honesty"]
    assert str(caught.value).startswith(str(path))


def test_text_that_yaml_would_bend_stays_text(tmp_path: Path) -> None:
    write(tmp_path, "no.yaml", name="NO", occupation="12:30:00")
    persona = load_personas(tmp_path)[0]
    assert (persona.name, persona.occupation) == ("NO", "12:30:00")


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "nan.yaml", honesty=".nan", fairness=".inf")
    assert [path for _, path, _ in mistakes_in(tmp_path)] == ["honesty", "fairness"]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no persona in this folder; expected files named \*\.yaml"):
        load_personas(tmp_path)


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: the folder of personas cannot be read: No such file"):
        load_personas(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder of personas cannot be read: Not a directory"):
        load_personas(write(tmp_path, "amara.yaml"))


def test_a_file_that_cannot_be_read_is_one_mistake_among_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone")
    write(tmp_path, "b.yaml", age=7)
    assert [file for file, _, _ in mistakes_in(tmp_path)] == ["a.yaml", "b.yaml"]


def test_what_is_written_out_is_read_back(tmp_path: Path) -> None:
    persona = amara(name="Søren Ø.", values="peace, quiet and a “fair” price")
    write(tmp_path, "soeren.yaml", **persona.to_dict())
    assert load_personas(tmp_path) == (persona,)
    assert isinstance(load_personas(tmp_path)[0], Persona)


def test_the_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "amara.yaml")
    monkeypatch.chdir(tmp_path)
    assert load_personas(Path(os.curdir)) == (amara(),)
