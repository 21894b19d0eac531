"""The engine and the oracle agree on random accounts, record by record."""

from itertools import count

import pytest

from backtest.venues.load import known, load

from .compare import disagreements
from .scenarios import plan_of

BARS = 200_000
"""Bars of both accounts, over all venues; `.ci/oracle-long` plays a hundred times as many."""


@pytest.mark.parametrize("venue", known())
def test_engine_and_oracle_agree_on_every_record_of_random_accounts(venue):
    book, bars, found = load(venue), 0, []
    for seed in count():
        lines, played = disagreements(plan_of(seed, book))
        bars += played
        if lines:
            found.append(f"seed {seed}: {lines[0]}")
        if bars * len(known()) >= BARS or len(found) == 5:
            break
    assert not found, "\n".join(found)
