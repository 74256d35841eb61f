"""What stands in environment variables and `.env`: keys and addresses of model endpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from dotenv.parser import parse_stream
from pydantic import TypeAdapter, ValidationError

from market_agents.config.fields import WebAddress
from market_agents.config.sections import LLMConfig
from market_agents.errors import UserError
from market_agents.yaml_source import shown

DEFAULT_KEY = "OPENAI_API_KEY"
DEFAULT_ADDRESS = "OPENAI_BASE_URL"


def read_environment(folder: Path) -> Mapping[str, str]:
    """The variables of the process over those of ``.env`` in ``folder``; empty ones count as not set.

    Nothing is interpolated, and the process's own environment stays as it is.

    Raises:
        UserError: ``.env`` cannot be read, or a line of it cannot be understood.
    """
    merged = {**_dotenv(folder / ".env"), **{name: value for name, value in os.environ.items() if value}}
    return MappingProxyType(merged)


def _dotenv(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            # The parser counts from where the last statement ended, blank lines included.
            blank = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string.count("\n", 0, blank)
            raise UserError(f"{path}:{line}: expected NAME=value")
        if binding.key is not None and binding.value:
            values[binding.key] = binding.value
    return values


def base_url(llm_config: LLMConfig, environment: Mapping[str, str]) -> str | None:
    """Where an entry's requests go: its own address, else ``OPENAI_BASE_URL``, else None for OpenAI's own.

    Raises:
        UserError: ``OPENAI_BASE_URL`` is no usable address.
    """
    if llm_config.base_url is not None:
        return llm_config.base_url
    address = environment.get(DEFAULT_ADDRESS)
    if address is None:
        return None
    try:
        checked: str = TypeAdapter(WebAddress).validate_python(address)
    except ValidationError as error:
        reason = error.errors()[0].get("ctx", {}).get("error", "expected an address")
        raise UserError(f"{DEFAULT_ADDRESS}: {reason}") from None
    return checked


def api_key(llm_config: LLMConfig, environment: Mapping[str, str]) -> str | None:
    """The key that an entry's endpoint gets, or None where it needs none.

    An entry with its own ``base_url`` gets a key only if it names one, so that OpenAI's never goes elsewhere.
    With ``OPENAI_BASE_URL`` the key is optional.

    Raises:
        UserError: the variable is not set, or holds what cannot be a key.
    """
    if llm_config.provider == "offline":
        return None
    name = llm_config.api_key_env
    if name is None and llm_config.base_url is not None:
        return None
    key = environment.get(name or DEFAULT_KEY)
    if key is None:
        if name is None and DEFAULT_ADDRESS in environment:
            return None
        raise UserError(
            f"llm_configs entry {shown(llm_config.name)}: the variable {name or DEFAULT_KEY} is not set; "
            "set it in the environment or in .env, or run with --offline"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"{name or DEFAULT_KEY}: not a key; it holds spaces, line ends or other such characters"
        )
    return key
