"""The benchmarks measure what they say."""

from __future__ import annotations

import pytest

from benchmarks import order_book, session, storage
from market_agents.storage import encode_step


@pytest.fixture(scope="module")
def flows() -> list[order_book.Flow]:
    return order_book.workload()


def test_both_books_make_the_known_trades(flows: list[order_book.Flow]) -> None:
    assert order_book.plain_heaps(flows) == order_book.CHECKSUM
    assert order_book.limit_order_book(flows) == order_book.CHECKSUM


def test_limits_are_evenly_spaced_from_80_to_320() -> None:
    assert session.limits(8) == [80, 160, 240, 320]
    assert len(session.limits(1000)) == 500


def test_both_sessions_count_their_steps() -> None:
    assert session.laboratory(20, 3, "zi_c") > 0
    assert session.plain_loop(20, 3) > 0


def test_a_session_benchmark_prints_its_ratio(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["session", "--traders", "20", "--steps", "800", "--zip-steps", "400", "--repeat", "1"]
    )
    session.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["traders", "steps/s"]
    assert lines[1].split()[0] == "20"
    assert lines[-1].startswith("ZIP, 20 traders:")


def test_a_wrong_book_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["order_book", "--repeat", "1"])
    monkeypatch.setattr(order_book, "workload", lambda: [[(1, True, 10), (2, False, 5)]])
    with pytest.raises(SystemExit, match="trades and price sum are"):
        order_book.main()


def test_the_rows_of_the_storage_benchmark_fit_the_tables() -> None:
    step = storage.market_rows(40)
    written = encode_step("run", step).inserts
    assert {table.name: len(rows) for table, rows in written.items()} == {
        name: len(rows) for name, rows in step.items()
    }
