"""Column types that hold the same in SQLite and PostgreSQL, and refuse what only one of them could hold."""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Double, Integer, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

MAX_INTEGER = 2**31 - 1
MAX_BIG_INTEGER = 2**63 - 1

MOST_AMOUNTS = 2**14
"""Amounts whose forms are kept in mind, since prices and holdings come again and again."""

V = TypeVar("V")
C = TypeVar("C")

Cells: TypeAlias = Sequence[Any]
"""What many rows have in one column; None where a row has nothing there."""

Kinds: TypeAlias = Set[type]

_TEXTS: Kinds = {NoneType, str}
_NUMBERS_ALONE: Kinds = {NoneType, int}
_AMOUNTS: Kinds = {NoneType, int, Decimal}


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, no escapes beyond those that JSON demands.

    Raises:
        ValueError, TypeError: NaN, an infinity, keys of mixed types, or an object that JSON does not know.
    """
    return _ENCODER.encode(value)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# Made once: `json.dumps` would make another for every value.
_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the text holds a NUL character: clean it at the boundary")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text holds a lone surrogate: clean it at the boundary") from None
    return text


def kinds_of(values: Cells) -> Kinds:
    """The exact types of the values; NoneType is among them if a value is missing.

    It is faster than to look for None, since an amount takes a microsecond to find that it does not equal None.
    """
    return set(map(type, values))


def _present(values: Cells, kinds: Kinds) -> Cells:
    return [value for value in values if value is not None] if NoneType in kinds else values


class Kept(dict[Any, Any]):
    """What a function makes of values that come again and again; all is forgotten when it is too much.

    Args:
        make: the function; None stays None.
    """

    def __init__(self, make: Callable[[Any], object]) -> None:
        super().__init__({None: None})
        self._make = make

    def __missing__(self, value: object) -> object:
        """Made once."""
        if value is None:
            return None  # another thread has just forgotten all
        if len(self) >= MOST_AMOUNTS:
            self.clear()
            self[None] = None
        made = self[value] = self._make(value)
        return made


class Stored(TypeDecorator[V], Generic[V, C]):
    """A type whose values have one canonical form, from which every other form is made.

    Columns hand out values of type V; the canonical form C is what is written, hashed and compared. What a method
    does to one value, its namesake for columns does to many, faster where their types allow.
    """

    cache_ok = True
    is_plain = False
    """Whether no text of its values holds a backslash, a tab or the end of a line."""

    @abstractmethod
    def canonical(self, value: object) -> C:
        """The canonical form of a value other than None.

        Raises:
            ValueError, TypeError: no such value belongs into this column; says why.
        """

    def text(self, value: C) -> str:
        """A canonical value as the text that COPY, hashes, digests and exports share."""
        return str(value)

    def sqlite(self, value: C) -> object:
        """A canonical value as the sqlite3 driver takes it."""
        return value

    def canonical_column(self, values: Cells, kinds: Kinds) -> Cells:  # noqa: ARG002  (for those that are faster)
        """The canonical form of each value.

        Args:
            values: of one column.
            kinds: as `kinds_of` the values.

        Raises:
            ValueError, TypeError: as `canonical`.
        """
        canonical = self.canonical
        return [None if value is None else canonical(value) for value in values]

    def text_column(self, values: Cells) -> Cells:
        """Each canonical value as text."""
        text = self.text
        return [None if value is None else text(value) for value in values]

    def sqlite_column(self, values: Cells) -> Cells:
        """Each canonical value as the sqlite3 driver takes it."""
        return values

    def process_bind_param(self, value: V | None, dialect: Dialect) -> object:
        """What the driver is given."""
        if value is None:
            return None
        canonical = self.canonical(value)
        return self.sqlite(canonical) if dialect.name == "sqlite" else canonical


class Words(Stored[str, str]):
    """Text without NUL and lone surrogates, which one or the other database cannot hold."""

    impl = Text
    cache_ok = True

    def canonical(self, value: object) -> str:
        """Exactly a ``str``; members of string enums become their value."""
        if not isinstance(value, str):
            raise TypeError(f"{type(value).__name__} is not text")
        return _storable(value if type(value) is str else str.__str__(value))

    def canonical_column(self, values: Cells, kinds: Kinds) -> Cells:
        """Plain texts are looked through together."""
        if not kinds <= _TEXTS:
            return super().canonical_column(values, kinds)
        _storable("".join(_present(values, kinds)))
        return values

    def text_column(self, values: Cells) -> Cells:
        """The values themselves."""
        return values


class Name(Words):
    """Text that names something, ordered by code point in either database."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """On PostgreSQL the collation is fixed, so that an index serves the order whatever the locale."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Text(collation="C"))
        return dialect.type_descriptor(Text())


class Whole(Stored[int, int]):
    """A whole number that fits 32 bits, or 64 where it counts goods, tokens or events."""

    impl = Integer
    cache_ok = True
    is_plain = True

    def __init__(self, *, big: bool = False) -> None:
        super().__init__()
        self.big = big
        self._limit = MAX_BIG_INTEGER if big else MAX_INTEGER

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """BIGINT or INTEGER."""
        return dialect.type_descriptor(BigInteger() if self.big else Integer())

    def canonical(self, value: object) -> int:
        """An ``int`` within bounds; a boolean is none."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{type(value).__name__} is not a whole number")
        if not -self._limit <= value <= self._limit:
            raise ValueError(f"a number of {value.bit_length()} bits is too large")
        return int(value)

    def canonical_column(self, values: Cells, kinds: Kinds) -> Cells:
        """Plain numbers are held against the bounds together."""
        if kinds <= _NUMBERS_ALONE:
            present = _present(values, kinds)
            if not present or (-self._limit <= min(present) and max(present) <= self._limit):
                return values
        return super().canonical_column(values, kinds)

    def text_column(self, values: Cells) -> Cells:
        """Digits."""
        if NoneType in kinds_of(values):
            return [None if value is None else str(value) for value in values]
        return list(map(str, values))


class Real(Stored[float, float]):
    """A finite number in double precision."""

    impl = Double
    cache_ok = True
    is_plain = True

    def canonical(self, value: object) -> float:
        """A finite ``float``; minus zero becomes zero, which is what SQLite would make of it."""
        if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
            raise TypeError(f"{type(value).__name__} is not a number")
        try:
            number = float(value) + 0.0
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ValueError(f"{number} is not finite")
        return number

    def text(self, value: float) -> str:
        """The shortest decimal text that gives the same number back."""
        return repr(value)


_FORMS: dict[tuple[int, int], Kept] = {}


class Money(Stored[Decimal, Decimal]):
    """An amount in currency units, exact to ``scale`` decimal places.

    SQLite keeps it as INTEGER or REAL, so that SQL can calculate with it; amounts that a REAL would change
    are refused for both databases.
    """

    impl = Numeric
    cache_ok = True
    is_plain = True

    def __init__(self, precision: int = 20, scale: int = 6) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale
        self._quantum = Decimal(1).scaleb(-scale)
        self._limit = Decimal(10) ** (precision - scale)
        self._surely_exact = Decimal(10) ** (15 - scale)
        # One for all columns of a kind: the price of a trade is that of its orders.
        self._forms = _FORMS.setdefault((precision, scale), Kept(self.canonical))

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC; without SQLAlchemy's own conversion where the driver knows no decimals."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Numeric(self.precision, self.scale, asdecimal=False))
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def canonical(self, value: object) -> Decimal:
        """A ``Decimal`` rounded half-even to ``scale`` places."""
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            raise TypeError(f"{type(value).__name__} is not an amount: give Decimal or int")
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount) >= self._limit:
            raise ValueError(f"{str(amount)[:40]} is not an amount below {self._limit:f}")
        amount = amount.quantize(self._quantum) + 0
        if abs(amount) >= self._surely_exact and self._read(self.sqlite(amount)) != amount:
            raise ValueError(f"{amount} has more digits than can be kept exactly")
        return amount

    def text(self, value: Decimal) -> str:
        """Plain digits without trailing zeros, for example ``12.5``."""
        return str(_DIGITS[value])

    def sqlite(self, value: Decimal) -> int | float:
        """An integer where the amount is whole, else the nearest REAL."""
        number: int | float = _NUMBERS[value]
        return number

    def canonical_column(self, values: Cells, kinds: Kinds) -> Cells:
        """Each amount once: the same prices and holdings come again and again."""
        # A boolean would pass for the number that it equals.
        if not kinds <= _AMOUNTS:
            return super().canonical_column(values, kinds)
        return list(map(self._forms.__getitem__, values))

    def text_column(self, values: Cells) -> Cells:
        """As `text`, for each."""
        return list(map(_DIGITS.__getitem__, values))

    def sqlite_column(self, values: Cells) -> Cells:
        """As `sqlite`, for each."""
        return list(map(_NUMBERS.__getitem__, values))

    def _read(self, value: object) -> Decimal:
        # Sums over REAL carry noise far below the quantum: rounding takes it away.
        return Decimal(str(value)).quantize(self._quantum)

    def process_result_value(self, value: object, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """A ``Decimal`` with ``scale`` places."""
        return None if value is None else self._read(value)


def _digits(amount: Decimal) -> str:
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _number(amount: Decimal) -> int | float:
    whole = int(amount)
    return whole if amount == whole else float(amount)


_DIGITS, _NUMBERS = Kept(_digits), Kept(_number)


class Json(Stored[object, str]):
    """A JSON value; its canonical form is its text.

    SQLite would give a column declared JSON numeric affinity and turn ``1.0`` into ``1``: there it is TEXT.
    """

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSON, never JSONB, which would change the text; TEXT on SQLite."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSON(none_as_null=True))

    def canonical(self, value: object) -> str:
        """The canonical text."""
        return _storable(canonical_json(value))

    def text_column(self, values: Cells) -> Cells:
        """The values themselves."""
        return values

    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        """The text on SQLite; on PostgreSQL the value, which the engine's serialiser will meet."""
        return super().process_bind_param(value, dialect) if dialect.name == "sqlite" else value

    def process_result_value(self, value: object, dialect: Dialect) -> object:
        """The value; PostgreSQL's driver has parsed it already."""
        return json.loads(value) if isinstance(value, str) and dialect.name == "sqlite" else value


class Instant(Stored[datetime, datetime]):
    """A moment of wall-clock time, aware, in UTC; ISO 8601 text on SQLite."""

    impl = DateTime
    cache_ok = True
    is_plain = True

    def __init__(self) -> None:
        super().__init__(timezone=True)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TIMESTAMPTZ; TEXT on SQLite."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def canonical(self, value: object) -> datetime:
        """The moment in UTC."""
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise TypeError("a moment is a datetime with a time zone")
        return value.astimezone(UTC)

    def text(self, value: datetime) -> str:
        """ISO 8601 with microseconds and offset."""
        return value.isoformat(timespec="microseconds")

    def sqlite(self, value: datetime) -> str:
        """The same text."""
        return self.text(value)

    def sqlite_column(self, values: Cells) -> Cells:
        """The same texts."""
        return self.text_column(values)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware and in UTC, whatever the session's zone."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return value.astimezone(UTC) if isinstance(value, datetime) else None
