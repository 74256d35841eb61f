"""Reads one YAML file into plain data, knows the line of every key, and refuses what YAML hides from readers.

No anchors, aliases, tags, merge keys, duplicate keys or second documents; scalars by the YAML 1.2 core rules,
so that ``NO`` and ``12:30:00`` are text. Built from the parser's events without recursion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import yaml

from market_agents.errors import ConfigError, Mistake
from market_agents.plain_text import one_line

MAX_BYTES = 256 * 1024
MAX_DEPTH = 50
MAX_MISTAKES = 100
"""Mistakes beyond this many are not shown."""

Scalar = str | int | float | bool | None
KeyPath = tuple[str | int, ...]

_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NO_BREAK_SPACE = "\xa0"
_TIGHT_KEY = re.compile(r"\s*(?:- +)?([A-Za-z_]\w{0,60}):[^\s/:]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_TAB_INDENT = re.compile(r" *\t")
_HINTS = {
    "mapping values are not allowed": "quote text that holds a colon and a space",
    "cannot start any token": "quote text that begins with @, ` or %",
    "expected key": "check the indentation and the quotes here and above",
    "expected <block end>": "check the indentation and the quotes here and above",
}


@dataclass(frozen=True)
class YamlDocument:
    """A YAML file as plain data.

    Attributes:
        name: the file as the user named it, for messages.
        data: dict, list, str, int, float, bool or None, nested at most 50 deep.
        mistakes: what was refused while reading, each with its line; an alias reads as None in ``data``.
    """

    name: str
    data: object
    mistakes: tuple[Mistake, ...] = ()
    _lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False)

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line, counted from 1, of the key or item at ``path``; else of its nearest known parent."""
        for length in range(len(path), -1, -1):
            line = self._lines.get(tuple(path[:length]))
            if line is not None:
                return line
        return None


def read_yaml(path: Path) -> YamlDocument:
    """Read one UTF-8 YAML file of at most 256 KB.

    Raises:
        ConfigError: the file cannot be read or holds what is refused; every such place with its line.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, name: str) -> YamlDocument:
    """Parse YAML text; ``name`` stands for the file in messages.

    Raises:
        ConfigError: the text is not YAML or holds what is refused; all such places at once, with their lines.
    """
    document = scan_yaml(text, name)
    if document.mistakes:
        raise ConfigError(document.mistakes)
    return document


def scan_yaml(text: str, name: str) -> YamlDocument:
    """As `parse_yaml`, but what was refused is left in ``mistakes``, so that others can be told beside it.

    Raises:
        ConfigError: nothing can be made of the text: not YAML, empty, too large or too deep.
    """
    mistakes = _unreadable(text, name)
    if mistakes:
        raise ConfigError(mistakes)
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        builder.mistakes.append(_syntax_mistake(error, text, name))
        raise ConfigError(builder.mistakes) from None
    if not builder.started:
        raise ConfigError([Mistake("", "the file is empty; expected keys with values", line=1, file=name)])
    return YamlDocument(name, builder.root, tuple(builder.mistakes), MappingProxyType(builder.lines))


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, read no further than 256 KB.

    Raises:
        ConfigError: missing, unreadable, too large, or not UTF-8.
    """
    name = str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = b"" if size > MAX_BYTES else file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Mistake("", f"cannot be read: {reason}", file=name)]) from None
    if max(size, len(content)) > MAX_BYTES:
        raise ConfigError([Mistake("", _too_large(max(size, len(content))), file=name)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mistake("", "not UTF-8 text; save the file as UTF-8", line, name)]) from None


def resolve_scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar by the core rules of YAML 1.2, decimal numbers only.

    Numbers of more than 100 digits become floats, most of them infinite.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1)) if text[-1] in "fFnN" else float(text)
    return text


def forbidden_character(text: str) -> str | None:
    """The first control character or lone surrogate of a text, as ``U+0000``; line ends and tabs may stay."""
    found = _CONTROL.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def shown(value: object, width: int = 60) -> str:
    """A value as a message shows it: on one line, short, and harmless to a terminal."""
    if isinstance(value, str):
        return f"'{one_line(value, width)}'"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > 400:
        return "a number of more than 100 digits"
    return str(value).lower() if isinstance(value, bool) else one_line(str(value), width)


def shown_path(path: Sequence[str | int]) -> str:
    """A key path as a message shows it: ``llm_configs[0].model``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{one_line(part, 40)}" for part in path)
    return text.removeprefix(".")


def _too_large(size: int) -> str:
    return f"{size:,} bytes; a configuration has at most {MAX_BYTES:,}"


def _unreadable(text: str, name: str) -> list[Mistake]:
    if len(text) > MAX_BYTES:
        return [Mistake("", _too_large(len(text)), file=name)]
    found = _UNPRINTABLE.search(text)
    if found is None:
        return []
    line = len(_LINE_END.findall(text, 0, found.start())) + 1
    return [Mistake("", f"the character U+{ord(found.group()):04X} is not allowed; remove it", line, name)]


def _syntax_mistake(error: yaml.MarkedYAMLError, text: str, name: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = _LINE_END.split(text)
    near = lines[line - 1] if line <= len(lines) else ""
    if _TAB_INDENT.match(near):
        return Mistake("", "a tab in the indentation; write spaces", line, name)
    for number in (line, line - 1):  # a key that is no key is noticed at the next one
        told = _near_miss(lines[number - 1]) if 0 < number <= len(lines) else ""
        if told:
            return Mistake("", told, number, name)
    problem = " ".join(part for part in (error.context, error.problem) if part)
    hint = next((f"; {hint}" for words, hint in _HINTS.items() if words in problem), "")
    return Mistake("", f"not YAML: {one_line(problem, 160) or 'the text cannot be parsed'}{hint}", line, name)


def _near_miss(line: str) -> str:
    """What makes a line something else than it looks like; empty where nothing does."""
    if _NO_BREAK_SPACE in line.partition("#")[0]:
        return "a no-break space (U+00A0), which only looks like a space; write a space"
    tight = _TIGHT_KEY.match(line)
    return f"no space after the colon of {tight.group(1)!r}; write one" if tight else ""


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled; ``key`` is set between a mapping's key and its value.

    ``keep`` is false where that value is read only to be forgotten; ``is_key`` where the collection itself
    stands for a key, which is refused.
    """

    container: dict[str, object] | list[object]
    path: KeyPath
    key: str | None = None
    keep: bool = True
    is_key: bool = False


class _Builder:
    """Puts events together into plain data."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: object = None
        self.started = False
        self.lines: dict[KeyPath, int] = {(): 1}
        self.mistakes: list[Mistake] = []
        self._frames: list[_Frame] = []

    def take(self, event: yaml.Event) -> bool:
        """Take in one event; true when what follows need not be read."""
        if isinstance(event, yaml.DocumentStartEvent):
            if self.started:
                self._refuse(event, (), "a second document begins here; a configuration is one document")
                return True
            self.started = True
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            message = "an alias is not allowed; repeat the value itself, or quote text that begins with *"
            self._refuse(event, self._next_path(event), message)
            self._drop_key() if self._awaits_key() else self._put(None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._frames.pop()
            if self._frames and not ended.is_key:
                self._frames[-1].key = None
        return False

    def _refuse(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        line = _line(event)
        self.mistakes.append(Mistake(shown_path(path), message, line, self.name))
        if len(self.mistakes) == MAX_MISTAKES:
            self.mistakes.append(Mistake("", "further mistakes are not shown", file=self.name))
            raise ConfigError(self.mistakes)

    def _next_path(self, event: yaml.Event) -> KeyPath:
        """Where the node of this event belongs; notes its line, which for a mapping's value is its key's."""
        if not self._frames:
            path: KeyPath = ()
        elif isinstance(self._frames[-1].container, list):
            path = (*self._frames[-1].path, len(self._frames[-1].container))
        else:
            key = self._frames[-1].key
            path = self._frames[-1].path if key is None else (*self._frames[-1].path, key)
        self.lines.setdefault(path, _line(event))
        return path

    def _awaits_key(self) -> bool:
        return (
            bool(self._frames)
            and self._frames[-1].key is None
            and isinstance(self._frames[-1].container, dict)
        )

    def _drop_key(self) -> None:
        """The key at hand is no good: its value is read and forgotten."""
        self._frames[-1].key, self._frames[-1].keep = "", False

    def _check_marks(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, path: KeyPath) -> None:
        # Neither message repeats the name: an unquoted password may begin with & or !.
        if event.anchor is not None:
            message = "an anchor is not allowed; repeat the value itself, or quote text that begins with &"
            self._refuse(event, path, message)
        if event.tag is not None:
            message = "a tag is not allowed; write plain values, or quote text that begins with !"
            self._refuse(event, path, message)

    def _check_text(self, event: yaml.ScalarEvent, path: KeyPath) -> None:
        character = forbidden_character(event.value)
        if character is not None:
            self._refuse(event, path, f"the character {character} is not allowed in text; remove it")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        value = resolve_scalar(event.value) if event.implicit[0] else event.value
        if self._awaits_key():
            self._key(event, value)
            return
        path = self._next_path(event)
        self._check_marks(event, path)
        self._check_text(event, path)
        self._put(value)

    def _key(self, event: yaml.ScalarEvent, value: Scalar) -> None:
        frame = self._frames[-1]
        frame.key, frame.keep = event.value, False
        path = (*frame.path, event.value)
        self._check_marks(event, path)
        self._check_text(event, path)
        if value == "<<" and event.implicit[0]:
            self._refuse(event, frame.path, "the merge key << is not allowed; write the keys themselves")
        elif not isinstance(value, str):
            quoted = f'write it in quotes: "{one_line(event.value, 40)}"'
            self._refuse(event, frame.path, f"a key must be text, got {shown(value)}; {quoted}")
        elif value in frame.container:
            self._refuse(
                event, path, f"duplicate key, first given in line {self.lines[path]}; keep one of them"
            )
        else:
            frame.keep = True
            self.lines[path] = _line(event)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        path = self._next_path(event)
        if len(self._frames) >= MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            self.mistakes.append(Mistake("", message, _line(event), self.name))
            raise ConfigError(self.mistakes)
        container: dict[str, object] | list[object] = {} if isinstance(event, yaml.MappingStartEvent) else []
        is_key = self._awaits_key()
        if is_key:
            self._refuse(
                event,
                path,
                f"a key must be text, got a {'mapping' if isinstance(container, dict) else 'list'}",
            )
            self._drop_key()
        else:
            self._check_marks(event, path)
            self._put(container, closed=False)
        self._frames.append(_Frame(container, path, is_key=is_key))

    def _put(self, value: object, *, closed: bool = True) -> None:
        """Set a value where it belongs; a key stays open until its collection is ``closed``."""
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return
        if frame.key is not None and frame.keep:
            frame.container[frame.key] = value
        if closed:
            frame.key = None
