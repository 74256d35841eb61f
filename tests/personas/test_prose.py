from __future__ import annotations

import re
from itertools import pairwise

import pytest

from market_agents.personas import Persona, tables
from market_agents.personas.persona import TRAITS
from market_agents.personas.prose import LEVELS, in_words, with_article
from tests.personas.people import AMARA, amara, crowd

PRONOUNS = re.compile(r"\b(he|she|him|her|his|hers|they|them|their|it|its|own)\b", re.IGNORECASE)


def test_the_prose_of_one_persona() -> None:
    assert str(amara()) == (
        "Amara K., 34 years old, is an electrician and a careful buyer with 6 years of trading experience. "
        "Amara K. prefers a sure thing to a gamble, feels a loss much more than an equal gain "
        "and can wait for a better deal. "
        "When bargaining, Amara K. usually tells the truth "
        "and puts up with a small share of the gain when pressed. "
        "In a group, Amara K. speaks when there is something to say "
        "and weighs personal judgement against that of others. "
        "Amara K. values fair dealing, and checks each offer twice."
    )


@pytest.mark.parametrize(
    ("years", "words"),
    [(0, "with no trading experience."), (1, "with 1 year of trading"), (2, "with 2 years of trading")],
)
def test_experience_agrees_in_number(years: int, words: str) -> None:
    assert words in str(amara(experience=years))


@pytest.mark.parametrize(
    ("values", "habits", "ending"),
    [
        ("thrift", "", " Amara K. values thrift."),
        ("", "decides fast", " Amara K. decides fast."),
        ("", "", " against that of others."),
    ],
)
def test_values_and_habits_appear_only_where_given(values: str, habits: str, ending: str) -> None:
    assert str(amara(values=values, habits=habits)).endswith(ending)


def test_braces_and_percents_in_a_users_text_stay_as_they_are() -> None:
    assert "values {name} and 100 %s" in str(amara(values="{name} and 100 %s"))


def test_prose_of_a_crowd_is_clean() -> None:
    for persona in crowd():
        text = str(persona)
        assert "  " not in text
        assert not re.search(r"[{}<>_%]|None|\bnan\b", text)
        assert text == text.strip()
        assert text.endswith(".")
        assert not PRONOUNS.search(text)
        assert text.count(persona.name) == 5


def test_prose_tells_no_number_but_age_and_experience() -> None:
    for persona in crowd()[:500]:
        allowed = {str(persona.age), str(persona.experience)}
        assert set(re.findall(r"[\d.]*\d", str(persona))) <= allowed


def test_a_and_an_are_right_in_a_crowd() -> None:
    for persona in crowd():
        for article, word in re.findall(r"\b(a|an) (\w+)", str(persona)):
            starts_with_vowel = word[0] in "aeiou" and word != "university"
            assert article == ("an" if starts_with_vowel else "a"), f"{article} {word}"


@pytest.mark.parametrize(
    ("article", "nouns"),
    [
        ("an", "accountant, Ethiopian trader, inspector, umbrella maker, onion seller, oncologist, usher"),
        ("an", "hourly worker, honest dealer, heiress"),
        ("an", "uninsured diver, unimpressed buyer, unidentified buyer"),
        ("an", "MBA student, HR manager, X-ray technician"),
        ("a", "baker, house painter, university lecturer, union clerk, usual buyer, used car dealer"),
        ("a", "European trader, one-time seller, user researcher, utility worker"),
        ("a", "UX designer, UK importer, PhD student, -"),
    ],
)
def test_articles_follow_the_sound(article: str, nouns: str) -> None:
    for noun in nouns.split(", "):
        assert with_article(noun) == f"{article} {noun}"


def test_every_trait_has_words_from_low_to_high() -> None:
    assert set(LEVELS) == set(TRAITS)
    for levels in LEVELS.values():
        assert all(low < high for (low, _), (high, _) in pairwise(levels))
        assert len({phrase for _, phrase in levels}) == len(levels)


@pytest.mark.parametrize("trait", TRAITS)
def test_every_phrase_is_used_by_somebody(trait: str) -> None:
    spoken = {in_words(trait, getattr(persona, trait)) for persona in crowd()}
    assert spoken == {phrase for _, phrase in LEVELS[trait]}


@pytest.mark.parametrize("trait", TRAITS)
def test_another_level_is_another_prose(trait: str) -> None:
    low, high = min_max(trait)
    assert str(amara(**{trait: low})) != str(amara(**{trait: high}))
    assert in_words(trait, low) in str(amara(**{trait: low}))


def test_bounds_belong_to_the_level_above() -> None:
    assert in_words("patience", 0.85) == "can wait for a better deal"
    assert in_words("patience", 0.8499) == "would rather deal soon than late"


def test_texts_of_the_tables_would_be_accepted_from_a_user() -> None:
    for occupation in tables.OCCUPATIONS:
        assert Persona.from_mapping(AMARA | {"occupation": occupation}).occupation == occupation
    for values in tables.VALUES:
        assert Persona.from_mapping(AMARA | {"values": values}).values == values
    for habits in (habit for row in tables.HABITS_BY_TYPE.values() for habit in row):
        assert Persona.from_mapping(AMARA | {"habits": habits}).habits == habits


def min_max(trait: str) -> tuple[float, float]:
    drawn = [getattr(persona, trait) for persona in crowd()]
    return min(drawn), max(drawn)
