"""A persona: one artificial participant described, in numbers for analysis and in prose for a mind."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from market_agents.errors import ConfigError, Mistake
from market_agents.personas.prose import in_words, with_article, years_of_experience

LineOf = Callable[[Sequence[str | int]], int | None]
"""Finds the line, from 1, of a key path in the file that a mapping was read from."""

_SHOWN = 60


def _plain(text: str) -> str:
    if not text.isprintable() or text != " ".join(text.split()):
        raise ValueError("not one line of plain text with single spaces")
    return text


def _phrase(text: str) -> str:
    if text.endswith((".", ",", ";", ":", "!", "?")):
        raise ValueError("ends with punctuation, which would stand inside a sentence")
    return _plain(text)


_Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain)]
_Noun = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_phrase)]
_OptionalPhrase = Annotated[str, Field(max_length=200), AfterValidator(_phrase)]


class Persona(BaseModel):
    """One artificial participant. Immutable; equal when every field is equal.

    Traits describe, they bind nobody: a model reads them as prose, a rule-based mind may read the numbers.
    No field holds the role, so that buyers and sellers can be compared; at most the wording of
    ``trader_type`` does.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    name: _Name = Field(description="a name on one line of plain text, 1 to 80 characters")
    age: int = Field(ge=18, le=100, description="age in whole years, 18 to 100")
    occupation: _Noun = Field(
        description="a noun phrase without article or full stop on one line of plain text, 1 to 80 characters"
    )
    trader_type: _Noun = Field(
        description="a noun phrase without article or full stop on one line of plain text, 1 to 80 characters"
    )
    experience: int = Field(
        ge=0, le=90, description="trading experience in whole years, 0 to 90, below the age"
    )
    risk_aversion: float = Field(
        ge=-1, le=2, description="coefficient of relative risk aversion, -1 to 2; 0 is neutral"
    )
    loss_aversion: float = Field(ge=1, le=4, description="weight of a loss against an equal gain, 1 to 4")
    patience: float = Field(
        ge=0,
        le=1,
        description="worth today of a unit of money due in a month, 0 to 1; most people lie above 0.7",
    )
    honesty: float = Field(
        ge=0,
        le=1,
        description="share of occasions, 0 to 1, on which the truth is told although a lie would pay",
    )
    fairness: float = Field(ge=0, le=0.5, description="smallest acceptable share of a joint gain, 0 to 0.5")
    confidence: float = Field(
        ge=0, le=1, description="weight of personal judgement against that of others, 0 to 1"
    )
    talkativeness: float = Field(
        ge=0, le=1, description="share of the chances to speak that are taken, 0 to 1"
    )
    values: _OptionalPhrase = Field(
        default="",
        description='what matters, the object of "values"; one line without full stop, up to 200 characters',
    )
    habits: _OptionalPhrase = Field(
        default="",
        description='what is done when trading, as in "checks each offer twice"; one line without full stop, '
        "up to 200 characters",
    )

    @field_validator("experience")
    @classmethod
    def _younger_than_its_age(cls, experience: int, known: ValidationInfo) -> int:
        age = known.data.get("age")
        if age is not None and experience >= age:
            raise ValueError("more years of experience than of life")
        return experience

    def __str__(self) -> str:
        """Who this is in four sentences, five with values or habits; no pronouns, no figures of traits."""
        name, words = self.name, {trait: in_words(trait, getattr(self, trait)) for trait in TRAITS}
        who = f"{with_article(self.occupation)} and {with_article(self.trader_type)}"
        sentences = [
            f"{name}, {self.age} years old, is {who} with {years_of_experience(self.experience)}.",
            f"{name} {words['risk_aversion']}, {words['loss_aversion']} and {words['patience']}.",
            f"When bargaining, {name} {words['honesty']} and {words['fairness']}.",
            f"In a group, {name} {words['talkativeness']} and {words['confidence']}.",
        ]
        leanings = ", and ".join(filter(None, (self.values and f"values {self.values}", self.habits)))
        if leanings:
            sentences.append(f"{name} {leanings}.")
        return " ".join(sentences)

    def to_dict(self) -> dict[str, str | int | float]:
        """All fields in their declared order, JSON-ready; `from_mapping` makes the same persona of it."""
        return cast("dict[str, str | int | float]", self.model_dump())

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, object], *, file: str | None = None, line_of: LineOf | None = None
    ) -> Persona:
        """A persona from its fields, nothing converted and nothing filled in but ``values`` and ``habits``.

        Args:
            mapping: the fields by name.
            file: the file they come from, for the error.
            line_of: finds a key's line in that file.

        Raises:
            ConfigError: unknown and missing keys, values of the wrong type or out of range; all at once.
        """
        try:
            return cls.model_validate(dict(mapping))
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False)
        raise ConfigError(_mistake(detail, file, line_of) for detail in details)


NUMERIC_FIELDS = tuple(
    name for name, field in Persona.model_fields.items() if field.annotation in (int, float)
)
"""Age, experience and the traits: what can be averaged."""

TRAITS = tuple(name for name in NUMERIC_FIELDS if name not in ("age", "experience"))
"""The economic traits, which the prose tells in words."""


def _mistake(detail: ErrorDetails, file: str | None, line_of: LineOf | None) -> Mistake:
    key = ".".join(str(part) for part in detail["loc"])
    line = line_of(detail["loc"]) if line_of else None
    path = key if key.isprintable() else repr(key)
    return Mistake(path=_cut(path), message=_message(key, detail), line=line, file=file)


def _message(key: str, detail: ErrorDetails) -> str:
    field = Persona.model_fields.get(key)
    if field is None:
        near = difflib.get_close_matches(key[:_SHOWN], Persona.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(Persona.model_fields)}"
        return f"unknown key; {hint}"
    if detail["type"] == "missing":
        return f"is missing; expected {field.description}"
    return f"expected {field.description}; got {_cut(repr(detail['input']))}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
