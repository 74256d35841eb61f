"""Every table of a run as files: exact, safe to open in a spreadsheet, and never half written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Literal, get_args

from sqlalchemy import Connection, Table

from market_agents.errors import UserError
from market_agents.storage.columns import Instant, Json, Words
from market_agents.storage.database import Database
from market_agents.storage.reading import require_run, stream
from market_agents.storage.rows import Codec, Values, codec
from market_agents.storage.schema import metadata

Format = Literal["csv", "jsonl"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""A spreadsheet may run a cell that begins like this; the last is there so that the cure can be undone."""


def export_run(database: Database, run_id: str, format: Format, folder: Path) -> list[Path]:  # noqa: A002
    """Write every table of a run into a folder, as the database stands at this moment.

    CSV: text is quoted and numbers are not, NULL is nothing at all while empty text is ``""``. Text that a
    spreadsheet might take for a formula gets an apostrophe in front; so does text that begins with one, so
    that taking one leading apostrophe away always restores the original. JSON Lines: one object a row,
    amounts as numbers with all their digits.

    Args:
        database: where the run is.
        run_id: the run, finished or not.
        format: ``csv`` or ``jsonl``.
        folder: made where it does not exist; files of the same name are replaced, each at once.

    Returns:
        The files, by table name.

    Raises:
        RunRefused: no such run.
        UserError: an unknown format, or a folder that cannot be written.
    """
    if format not in get_args(Format):
        raise UserError(f"{format!r} is no export format: choose csv or jsonl")
    render = _csv if format == "csv" else _jsonl
    with database.read() as connection:
        require_run(connection, run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return [
                _replace(folder / f"{name}.{format}", render(codec(table), _rows(connection, table, run_id)))
                for name, table in sorted(metadata.tables.items())
            ]
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror}): choose another folder"
            ) from error


def _rows(connection: Connection, table: Table, run_id: str) -> Iterator[Values]:
    return stream(connection, table, run_id)


def _replace(path: Path, lines: Iterator[str]) -> Path:
    """Write beside the file, then take its place: readers see the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            _write(file, lines)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _write(file: IO[str], lines: Iterator[str]) -> None:
    file.writelines(lines)
    file.flush()
    os.fsync(file.fileno())


def _csv(table_codec: Codec, rows: Iterator[Values]) -> Iterator[str]:
    cells: Sequence[Callable[[object], str]] = [
        _text_cell if isinstance(stored, Words | Json | Instant) else str for stored in table_codec.types
    ]
    yield ",".join(table_codec.names) + "\r\n"
    for row in rows:
        yield (
            ",".join(
                "" if value is None else cell(stored.text(stored.canonical(value)))
                for value, stored, cell in zip(row, table_codec.types, cells, strict=True)
            )
            + "\r\n"
        )


def _text_cell(value: object) -> str:
    text = str(value)
    if text.startswith(FORMULA_STARTS):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'


def _jsonl(table_codec: Codec, rows: Iterator[Values]) -> Iterator[str]:
    for row in rows:
        fields = (
            f"{json.dumps(name)}:{_json(stored, value)}"
            for name, stored, value in zip(table_codec.names, table_codec.types, row, strict=True)
        )
        yield "{" + ",".join(fields) + "}\n"


def _json(stored: object, value: object) -> str:
    if value is None:
        return "null"
    if isinstance(stored, Json):
        return stored.canonical(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(stored, Instant):
        return json.dumps(stored.text(stored.canonical(value)))
    return json.dumps(value, ensure_ascii=False)
