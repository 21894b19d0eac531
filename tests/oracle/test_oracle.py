"""The engine and the oracle agree on random accounts, record by record."""

import pytest

from backtest.venues.load import load

from .compare import disagreements
from .scenarios import plan_of

PLANS = 200
AGREED = ("binanceusdm", "bybit", "dydx")
"""Venues on which both have been held against each other; the rest still has open differences."""


@pytest.mark.parametrize("venue", AGREED)
def test_engine_and_oracle_agree_on_every_record_of_random_accounts(venue):
    bars, found = 0, []
    for seed in range(PLANS):
        lines, played = disagreements(plan_of(seed, load(venue)))
        bars += played
        if lines:
            found.append(f"seed {seed}: {lines[0]}")
    assert not found, "\n".join(found[:5])
    assert bars > 100 * PLANS
