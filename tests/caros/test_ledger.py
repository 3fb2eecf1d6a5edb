"""The counts of flash in one file: never above the budget, whoever asks and whenever somebody dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.caros import ledger as ledger_module
from volant.caros.flash import DataClass, FlashSettings
from volant.caros.ledger import COST_BYTES, COUNTS, LOCK, FlashLedger, bytes_written, utc_day

DAY = 20_000
BUDGET = FlashSettings(
    day_most_bytes=1_000_000, owner_most_bytes=300_000, owners={"recorder": 1_000_000}
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(DataClass),
        st.sampled_from(("recorder", "app", "other")),
        st.integers(0, 400_000),
        st.floats(0.0, 1.0),
        st.sampled_from(("settle", "die_before", "die_after")),
    ),
    max_size=25,
)


def open_ledger(folder: Path, budget: FlashSettings = BUDGET) -> FlashLedger:
    return FlashLedger(folder, budget, lambda: DAY)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_what_is_written_never_passes_the_budget_whoever_dies_in_between(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[DataClass, str, int, float, str]],
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledgers = {name: open_ledger(folder) for name in ("recorder", "app", "other")}
    written = dict.fromkeys(ledgers, 0)
    for kind, owner, size, share, end in steps:
        grant = ledgers[owner].ask(kind, owner, size)
        if grant.verdict.granted:
            written[owner] += 2 * COST_BYTES
            if end != "die_before":
                written[owner] += int(size * share)
        if end == "settle":
            ledgers[owner].settle(grant, int(size * share))
        else:  # it is dead; the next one of its name knows what it left
            ledgers[owner] = open_ledger(folder)
        today = ledgers[owner].state().of(DAY)
        assert today.written <= BUDGET.day_most_bytes
        for name, real in written.items():
            assert real <= today.owners.get(name, 0)
        assert all(today.owners.get(name, 0) <= 300_000 for name in ("app", "other"))


def test_all_processes_see_what_one_was_granted(tmp_path: Path) -> None:
    one, other = open_ledger(tmp_path), open_ledger(tmp_path)
    assert one.ask(DataClass.EVENT, "recorder", 900_000).verdict.granted
    refused = other.ask(DataClass.EVENT, "app", 200_000)
    assert refused.verdict.code == "day_over"
    assert refused.bytes == 0
    assert other.settle(refused, 0) == 0
    assert other.state() == one.state()


def test_what_was_not_written_is_given_back_on_the_day_it_was_granted_on(tmp_path: Path) -> None:
    days = [DAY]
    ledger = FlashLedger(tmp_path, BUDGET, lambda: days[0])
    grant = ledger.ask(DataClass.EVENT, "recorder", 500_000)
    days[0] = DAY + 1
    ledger.ask(DataClass.EVENT, "recorder", 1000)
    assert ledger.settle(grant, 100) == 100 + 2 * COST_BYTES
    assert ledger.state().of(DAY).written == 100 + 2 * COST_BYTES
    assert ledger.state().of(DAY + 1).written == 1000 + 2 * COST_BYTES
    assert ledger.settle(grant, 10**9) == grant.bytes


def test_a_lock_that_somebody_holds_for_ever_costs_the_grant_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "LOCK_EVERY_S", 0.0)
    ledger = open_ledger(tmp_path)
    grant = ledger.ask(DataClass.EVENT, "recorder", 1000)
    descriptor = os.open(tmp_path / LOCK, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert ledger.ask(DataClass.EVENT, "recorder", 1).verdict.code == "not_counted"
    assert ledger.settle(grant, 0) == grant.bytes
    os.close(descriptor)
    assert ledger.state().of(DAY).written == grant.bytes
    assert ledger.ask(DataClass.EVENT, "recorder", 1).verdict.granted


def test_what_cannot_be_counted_is_not_granted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    verdict = open_ledger(tmp_path / "file").ask(DataClass.EVENT, "recorder", 1).verdict
    assert verdict.code == "not_counted"
    assert verdict.words.startswith("the counts of flash cannot be written: ")
    with pytest.raises(ValueError, match="below zero"):
        open_ledger(tmp_path).ask(DataClass.EVENT, "recorder", -1)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_counts_that_are_none_begin_anew_and_it_is_known(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / COUNTS).write_bytes(b"x" + data)
    ledger = open_ledger(folder)
    assert ledger.ask(DataClass.EVENT, "recorder", 1).verdict.granted
    assert "begins anew" in ledger.fault


def test_what_the_kernel_counts_is_a_number_or_nothing() -> None:
    told = bytes_written()
    assert told is None or told >= 0
    assert utc_day() > DAY
