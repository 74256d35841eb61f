"""Mistakes that no single key can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches

from market_agents.config.findings import Finding
from market_agents.yaml_source import KeyPath, shown

OLD_CLIENTS = ("vllm", "litellm")
"""Names of earlier versions; both mean ``openai`` with a ``base_url``."""

CLIENTS = ("openai", "offline", *OLD_CLIENTS)
SHORTEST_PART = 3
"""Letters that a word has at least to be taken for a part of the right one."""

SMALLEST_TICK = -6
"""Exponent of ten of the smallest amount that the tables hold."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for the known word nearest to ``word``, else nothing."""
    word, by_lower = word[:60].lower(), {name.lower(): name for name in known}
    close = get_close_matches(word, by_lower, n=1, cutoff=0.6)
    close = close or [name for name in by_lower if len(word) >= SHORTEST_PART and word in name]
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def listing(names: Iterable[str]) -> str:
    """Names for a message, in order of the alphabet."""
    return ", ".join(sorted(names)) or "none"


def cross_mistakes(tree: Mapping[str, object], known: Collection[str] = ()) -> Iterator[Finding]:
    """Mistakes between keys; whatever has the wrong shape is passed over, for others tell of it.

    Args:
        tree: a configuration as plain data.
        known: registered environments, which need no entry in environment_configs.
    """
    yield from _order(tree, known)
    names = [entry.get("name") for entry in _mappings(tree.get("llm_configs"))]
    yield from _models(tree, names)
    yield from _limits(tree, names)
    yield from _embeddings(tree, names)
    judge = _mapping(tree.get("judge")).get("model")
    if isinstance(judge, str):
        yield from unknown_entry(judge, names, ("judge", "model"))
    yield from _ticks(tree)
    yield from _chats(tree, names)


def _mappings(value: object) -> list[Mapping[str, object]]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [item if isinstance(item, Mapping) else {} for item in items]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _order(tree: Mapping[str, object], known: Collection[str]) -> Iterator[Finding]:
    order = tree.get("environment_order")
    names = set(_mapping(tree.get("environment_configs"))) | set(known)
    seen: set[str] = set()
    for index, name in enumerate(order if isinstance(order, Sequence) and not isinstance(order, str) else ()):
        if not isinstance(name, str):
            continue
        path = ("environment_order", index)
        if name in seen:
            hint = f"give the second entry another key in environment_configs, with type: {shown(name)[1:-1]}"
            yield path, f"{shown(name)} stands here twice; {hint}"
        elif name not in names:
            yield path, f"unknown environment {shown(name)}{suggestion(name, names)}; known: {listing(names)}"
        seen.add(name)


def _models(tree: Mapping[str, object], names: Sequence[object]) -> Iterator[Finding]:
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            yield ("llm_configs", index, "name"), f"{shown(name)} is taken by another entry; names are unique"
    for index, entry in enumerate(_mappings(tree.get("llm_configs"))):
        for path, message in entry_mistakes(entry):
            yield ("llm_configs", index, *path), message
    weights = [entry.get("weight", 1.0) for entry in _mappings(tree.get("llm_configs"))]
    if weights and all(weight == 0 for weight in weights):
        yield ("llm_configs",), "every weight is 0; expected at least one entry with a weight above 0"


def entry_mistakes(entry: Mapping[str, object]) -> Iterator[Finding]:
    """Mistakes between the keys of one entry of llm_configs, given as plain data without defaults."""
    client = entry.get("client", "openai")
    if client in CLIENTS and client != "offline" and "model" not in entry:
        yield ("model",), f"missing; client {client} needs the provider's name of a model"
    if client in OLD_CLIENTS and entry.get("base_url") is None:
        yield ("base_url",), f"missing; client {client} means openai with a base_url"
    timeout, total = _amount(entry.get("timeout", 60.0)), _amount(entry.get("total_timeout", 300.0))
    if timeout is not None and total is not None and total < timeout:
        yield ("total_timeout",), f"expected at least timeout ({timeout:g}), got {total:g}"
    for one, other in (("input_price", "output_price"), ("output_price", "input_price")):
        if entry.get(one) is not None and entry.get(other) is None:
            yield (other,), f"missing; {one} is set, and a price has two sides"


def _embeddings(tree: Mapping[str, object], names: Sequence[object]) -> Iterator[Finding]:
    memory = _mapping(tree.get("memory"))
    name, path = memory.get("embeddings"), ("memory", "embeddings")
    if name is None:
        if memory.get("retrieval") == "embeddings":
            yield path, "missing; retrieval embeddings needs the name of an llm_configs entry"
        return
    if not isinstance(name, str):
        return
    yield from unknown_entry(name, names, path)
    for index, entry in enumerate(_mappings(tree.get("llm_configs"))):
        if entry.get("name") == name and entry.get("client") != "offline" and entry.get("weight", 1.0) != 0:
            message = f"expected 0, for {shown(name)} makes embeddings and no agent can think with it"
            yield ("llm_configs", index, "weight"), message


def unknown_entry(name: str, names: Sequence[object], path: KeyPath) -> Iterator[Finding]:
    """The finding for a name that no entry of llm_configs has."""
    known = [entry for entry in names if isinstance(entry, str)] or ["offline"]
    if name not in known:
        hint = suggestion(name, known)
        yield path, f"no llm_configs entry is called {shown(name)}{hint}; known: {listing(known)}"


def _limits(tree: Mapping[str, object], names: Sequence[object]) -> Iterator[Finding]:
    known = [name for name in names if isinstance(name, str)] + list(CLIENTS)
    for key in _mapping(tree.get("request_limits")):
        if key not in known:
            message = f"neither a client nor the name of an llm_configs entry{suggestion(key, known)}"
            yield ("request_limits", key), f"{message}; known: {listing(known)}"


def _ticks(tree: Mapping[str, object]) -> Iterator[Finding]:
    tick = _amount(tree.get("tick_size", 0.01))
    agents = _mapping(tree.get("agent_config"))
    spread = _amount(agents.get("base_value_spread", 0.0))
    if tick is None or spread is None:
        return
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < SMALLEST_TICK:
        yield ("tick_size",), f"expected at most six digits after the point, got {tick}"
    for key in ("buyer_base_value", "seller_base_value"):
        lowest = (_amount(agents.get(key)) or tick) * (1 - spread)
        if 0 < lowest < tick and key in agents:
            with_spread = " less base_value_spread" if spread else ""
            yield ("agent_config", key), f"expected at least one tick ({tick}){with_spread}, got {lowest:g}"


def _chats(tree: Mapping[str, object], names: Sequence[object]) -> Iterator[Finding]:
    """Models and agents that a discussion names."""
    known = [name for name in names if isinstance(name, str)] or ["offline"]
    number = tree.get("num_agents")
    for key, entry in _mapping(tree.get("environment_configs")).items():
        path = ("environment_configs", key)
        model = _mapping(_mapping(entry).get("moderator")).get("model")
        if isinstance(model, str) and model not in known:
            message = f"{shown(model)} is no entry of llm_configs{suggestion(model, known)}"
            yield (*path, "moderator", "model"), f"{message}; known: {listing(known)}"
        for index, group in enumerate(_mappings(_mapping(entry).get("attendance"))):
            agents = group.get("agents")
            for place, agent in enumerate(agents if isinstance(agents, list | tuple) else ()):
                if isinstance(agent, str) and isinstance(number, int) and not _is_agent(agent, number):
                    message = f"no agent is called {shown(agent)}; they are agent_1 to agent_{number}"
                    yield (*path, "attendance", index, "agents", place), message


def _is_agent(name: str, number: int) -> bool:
    ordinal = name.removeprefix("agent_")
    return (
        name == f"agent_{ordinal}"
        and ordinal.isascii()
        and ordinal.isdigit()
        and (len(ordinal) <= 7 and str(int(ordinal)) == ordinal and 1 <= int(ordinal) <= number)
    )


def _amount(value: object) -> float | None:
    """A number of the right type and range for an amount of money, else None."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return value if usable and isinstance(value, int | float) else None
