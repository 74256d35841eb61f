"""Every table of a run as files: exact, safe to open in a spreadsheet, and never half written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import Table

from market_agents.errors import UserError
from market_agents.plain_text import spreadsheet_safe
from market_agents.storage.columns import Instant, Json, Words
from market_agents.storage.database import Database
from market_agents.storage.dictionary import ROWS, dictionary
from market_agents.storage.files import replace_file
from market_agents.storage.parquet import write_parquet
from market_agents.storage.reading import require_run, stream
from market_agents.storage.rows import Codec, Values, codec
from market_agents.storage.schema import metadata

Format = Literal["csv", "jsonl", "parquet"]

DICTIONARY = "data_dictionary.csv"
"""The file beside the tables that says what each column holds."""


def export_run(database: Database, run_id: str, format: Format, folder: Path) -> list[Path]:  # noqa: A002
    """Write every table of a run into a folder, as the database stands at this moment.

    CSV: text is quoted and numbers are not, NULL is nothing at all while empty text is ``""``. Text that a
    spreadsheet might take for a formula gets an apostrophe in front; so does text that begins with one, so
    that taking one leading apostrophe away always restores the original. JSON Lines: one object a row,
    amounts as numbers with all their digits. Parquet: typed columns, amounts as exact decimals, JSON as text.
    Beside the tables stands a data dictionary: the meaning and unit of each column.

    Args:
        database: where the run is.
        run_id: the run, finished or not.
        format: ``csv``, ``jsonl`` or ``parquet``.
        folder: made where it does not exist; files of the same name are replaced, each at once.

    Returns:
        The files, by name.

    Raises:
        RunRefused: no such run.
        UserError: an unknown format, a folder that cannot be written, or pyarrow missing for Parquet.
    """
    if format not in get_args(Format):
        raise UserError(f"{format!r} is no export format: choose {', '.join(get_args(Format))}")
    with database.read() as connection:
        require_run(connection, run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = [
                replace_file(
                    folder / f"{name}.{format}", _writer(format, table, stream(connection, table, run_id))
                )
                for name, table in metadata.tables.items()
            ]
            return sorted([*files, replace_file(folder / DICTIONARY, partial(_write, _described()))])
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror}): choose another folder"
            ) from error


def _writer(format_name: Format, table: Table, rows: Iterator[Values]) -> Callable[[Path], None]:
    table_codec = codec(table)
    if format_name == "parquet":
        return partial(write_parquet, codec=table_codec, rows=rows)
    return partial(_write, (_csv if format_name == "csv" else _jsonl)(table_codec, rows))


def _write(lines: Iterator[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


def _described() -> Iterator[str]:
    """The data dictionary as CSV."""
    yield "table,column,kind,key,optional,meaning,row\r\n"
    for entry in dictionary():
        flags = ("yes" if flag else "no" for flag in (entry.is_key, entry.is_optional))
        cells = (entry.table, entry.column, entry.kind, *flags, entry.meaning, ROWS.get(entry.table, ""))
        yield ",".join(map(_text_cell, cells)) + "\r\n"


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
    return '"' + spreadsheet_safe(str(value)).replace('"', '""') + '"'


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
