from __future__ import annotations

import dataclasses

import pytest

from market_agents.personas import NUMERIC_FIELDS, TraitBalance, balance_in_words, persona_balance
from tests.personas.people import amara, crowd, person


def row(table: tuple[TraitBalance, ...], trait: str) -> TraitBalance:
    return next(balance for balance in table if balance.trait == trait)


def test_one_row_a_number_in_the_order_of_fields() -> None:
    table = persona_balance({"buyer": crowd()[:5], "seller": crowd()[5:10]})
    assert tuple(balance.trait for balance in table) == NUMERIC_FIELDS
    assert all(list(balance.means) == ["buyer", "seller"] for balance in table)


def test_means_and_difference_by_hand() -> None:
    buyers = [amara(age=30), amara(age=40)]
    sellers = [amara(age=20), amara(age=24)]
    age = row(persona_balance({"buyer": buyers, "seller": sellers}), "age")
    assert age.means == {"buyer": 35, "seller": 22}
    # Sample variances 50 and 8: 13 / √29.
    assert age.standardised_difference == pytest.approx(2.41404, abs=1e-5)


def test_the_sign_is_the_earlier_role_minus_the_later() -> None:
    old, young = [amara(age=60), amara(age=70)], [amara(age=20), amara(age=24)]
    one = row(persona_balance({"buyer": old, "seller": young}), "age").standardised_difference
    other = row(persona_balance({"seller": young, "buyer": old}), "age").standardised_difference
    assert one is not None
    assert one > 0
    assert other == -one


def test_the_same_people_in_both_roles_are_balanced() -> None:
    table = persona_balance({"buyer": crowd()[:50], "seller": crowd()[:50]})
    assert {balance.standardised_difference for balance in table} == {0.0}


def test_generated_buyers_and_sellers_are_comparable() -> None:
    buyers = [person(index, "buyer") for index in range(0, 4_000, 2)]
    sellers = [person(index, "seller") for index in range(1, 4_000, 2)]
    for balance in persona_balance({"buyer": buyers, "seller": sellers}):
        assert balance.standardised_difference is not None
        assert abs(balance.standardised_difference) < 0.1, balance.trait


def test_a_chosen_imbalance_shows() -> None:
    patient = sorted(crowd()[:400], key=lambda persona: persona.patience)
    table = persona_balance({"buyer": patient[:200], "seller": patient[200:]})
    assert (row(table, "patience").standardised_difference or 0) < -1


def test_among_three_roles_the_largest_difference_counts() -> None:
    groups = {name: [amara(age=age), amara(age=age + 2)] for name, age in (("a", 30), ("b", 31), ("c", 50))}
    age = row(persona_balance(groups), "age")
    assert list(age.means.values()) == [31, 32, 51]
    assert age.standardised_difference == pytest.approx(-20 / 2**0.5)


def test_without_spread_equal_means_are_balanced_and_others_undefined() -> None:
    table = persona_balance({"buyer": [amara(age=30)] * 2, "seller": [amara(age=40)] * 2})
    assert row(table, "age").standardised_difference is None
    assert row(table, "patience").standardised_difference == 0.0


@pytest.mark.parametrize("sellers", [0, 1])
def test_too_few_personas_have_means_but_no_difference(sellers: int) -> None:
    table = persona_balance({"buyer": crowd()[:5], "seller": crowd()[:sellers]})
    assert {balance.standardised_difference for balance in table} == {None}
    assert len(table[0].means) == 1 + sellers


def test_nobody_at_all_is_an_empty_table_of_means() -> None:
    assert all(
        not balance.means and balance.standardised_difference is None for balance in persona_balance({})
    )


def test_a_row_is_frozen() -> None:
    balance = persona_balance({"buyer": crowd()[:5]})[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        balance.trait = "age"  # type: ignore[misc]


def test_in_words_the_trait_that_differs_most() -> None:
    buyers = [amara(risk_aversion=0.2), amara(risk_aversion=0.4, age=40)]
    sellers = [amara(risk_aversion=0.9), amara(risk_aversion=1.1, age=44)]
    # Means 0.3 and 1.0, sample variances 0.02: 0.7 / √0.02.
    said = balance_in_words(persona_balance({"buyer": buyers, "seller": sellers}))
    assert said == "personas by role: risk aversion apart by 4.95 SD (buyer 0.30, seller 1.00)"


@pytest.mark.parametrize("table", [(), persona_balance({"buyer": crowd()[:5]}), persona_balance({})])
def test_in_words_nothing_to_compare(table: tuple[TraitBalance, ...]) -> None:
    assert balance_in_words(table) == "personas by role: too few to compare"


def test_the_words_fit_a_line() -> None:
    widest = TraitBalance("talkativeness", {"buyer": 0.25, "seller": 0.75}, -12.34)
    assert len(balance_in_words([widest])) <= 75
