"""The fault table names tests that exist, for every fault, and ``-k`` finds them by the fault's name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rig.fault_table import ROOT, ids_of, known_faults

FAULTS = (
    *("L01", "L04", "L06", "L08", "L09", "L10", "L11", "L12", "L14", "L16", "L17", "N01", "N02", "N03"),
    *("P01", "P02", "P05", "P06", "P08", "P11", "P12", "D01", "D02", "D03", "D04", "D05", "D06", "D07"),
    *("D08", "D09", "D10", "D11", "D12", "D13", "C01", "C02", "A01", "A02", "A04", "A05", "A06", "M02"),
    *("S01", "S02", "S03", "X01", "X02", "O01", "O02", "O03"),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_tests_that_exist(fault: str) -> None:
    tests = known_faults()[fault]
    assert tests
    for place, name in tests:
        path = ROOT / "tests" / place
        assert re.search(rf"^\s*(?:async )?def {name}\(", path.read_text("utf-8"), re.MULTILINE), (
            place,
            name,
        )
        assert fault in ids_of(path, name)


def test_a_test_is_found_by_its_faults() -> None:
    place = ROOT / "tests" / "inference" / "test_pauses.py"
    assert ids_of(place, "test_nobody_sends_before_the_pause_has_ended") == {"L01"}
    assert ids_of(place.with_name("test_first_answers.py"), "test_only_one_request_probes") == frozenset()
    assert ids_of(Path("/elsewhere/test_x.py"), "test_x") == frozenset()
