"""Models of two environments with the keys of the real ones, and short ways to load a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from market_agents.config import (
    EnvironmentConfig,
    LoadedConfig,
    MarketConfig,
    NegotiatingConfig,
    config_from_mapping,
    read_config,
)
from market_agents.errors import UserError


class ChatConfig(NegotiatingConfig):
    initial_topic: str = Field(default="Market conditions", min_length=1, description="Topic.")
    group_size: int = Field(default=4, ge=1, le=100_000, description="Largest cohort.")
    form_cohorts: bool = Field(default=True, description="Cohorts at all.")
    cohorts: Literal["chance", "role"] = Field(default="chance", description="Who meets.")
    reshuffle: bool = Field(default=True, description="New cohorts.")
    turns: Literal["simultaneous", "sequential"] = Field(default="simultaneous", description="Turns.")
    topic: Literal["proposed", "fixed"] = Field(default="proposed", description="Topic's source.")
    message_window: int = Field(default=20, ge=1, le=1000, description="Messages shown.")


class AuctionConfig(MarketConfig):
    institution: Literal["midpoint", "lob"] = Field(default="midpoint", description="Rules.")
    order_lifetime: Literal["round", "run"] = Field(default="round", description="Lifetime.")
    must_improve: bool = Field(default=False, description="Quote improvement.")
    max_price: float | None = Field(default=None, gt=0, le=1e9, description="Ceiling.")


MODELS: Mapping[str, type[EnvironmentConfig]] = {"auction": AuctionConfig, "group_chat": ChatConfig}
KNOWN = tuple(MODELS)
BASE = "num_agents: 10\nmax_rounds: 2\nenvironment_order: [group_chat, auction]\n"


def model_of(name: str) -> type[EnvironmentConfig] | None:
    if name == "nowhere:Nothing":
        raise UserError("nowhere:Nothing cannot be imported: no module of that name")
    return MODELS.get(name)


def load_text(folder: Path, text: str, overrides: Sequence[tuple[str, object]] = ()) -> LoadedConfig:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_path(path, overrides)


def load_path(path: Path, overrides: Sequence[tuple[str, object]] = ()) -> LoadedConfig:
    return read_config(path, environment_model=model_of, known_environments=KNOWN, overrides=overrides)


def load_mapping(data: Mapping[str, object], overrides: Sequence[tuple[str, object]] = ()) -> LoadedConfig:
    return config_from_mapping(
        data, environment_model=model_of, known_environments=KNOWN, overrides=overrides
    )


def plain(**changes: object) -> dict[str, object]:
    """The smallest configuration as plain data, with keys changed."""
    base: dict[str, object] = {
        "num_agents": 10,
        "max_rounds": 2,
        "environment_order": ["group_chat", "auction"],
    }
    return {**base, **changes}
