"""What the models of configuration share: their base, and the types of values with their bounds."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_MONEY = 1e9
MAX_GOODS = 1_000_000_000
MAX_AGENTS = 1_000_000
MAX_ROUNDS = 100_000
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")


def _variable_name(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError("expected the name of an environment variable in capitals, such as OPENAI_API_KEY")
    return text


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or not text.isascii() or " " in text:
        raise ValueError("expected an address that begins with http:// or https://")
    try:
        (parts.hostname or "").encode("idna")  # as whoever looks the name up does
    except UnicodeError:
        raise ValueError("expected a host whose name has 1 to 63 characters between its dots") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("expected an address without user, password or query; put the key into .env")
    return text


def _environment_name(text: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(text):
        raise ValueError("expected a name of letters, digits, _ and - that begins with a letter (at most 60)")
    return text


def _port_number(value: object) -> object:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value) else value


Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Money = Annotated[float, Field(ge=0, le=MAX_MONEY)]
Price = Annotated[float, Field(gt=0, le=MAX_MONEY)]
Goods = Annotated[int, Field(ge=0, le=MAX_GOODS)]
VariableName = Annotated[str, AfterValidator(_variable_name)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
Renewal = Literal["endowment", "units", "none"]
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_port_number)]


class StrictModel(BaseModel):
    """Base of all models of configuration: frozen, unknown keys refused, no conversion between types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )
