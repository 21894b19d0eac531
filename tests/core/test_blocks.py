"""Liquidations block by block against a book and a fund, as the chain's own tests have them."""

import json
from pathlib import Path

import numpy as np
import pytest

from backtest.core.types import TierRule, Trigger

from .accounts import engine, make_rules, step

GOLDENS = Path(__file__).parents[1] / "goldens" / "dydx.json"
CASES = [one for one in json.loads(GOLDENS.read_text()) if "-proc-" in one["id"]]


def spread_of(limit, size, mark, equity, needed):
    """Maintenance margins between mark and limit at equity 0, solved from a case's own limit."""
    used = min(max(1.0 - equity / needed, 0.0), 1.0)
    return abs(limit - mark) * abs(size) / (used * needed)


def play(case):
    """(USDC balance, position) after one block."""
    held, given = case["positions"][0], case["params"]
    size = held["size"] * (1 if held["side"] == "long" else -1)
    mark, balance = held["mark_price"], case["account"]["collateral"]["USDC"]
    needed, equity = held["mmr"] * abs(size) * mark, balance + size * mark
    chunk = step(
        "FRACTION", "FILLABLE", "EQUITY_SHARE",
        amount=given["max_position_portion_ppm"] / 1e6,
        at_least=given["min_position_notional"], at_most=given["max_notional_per_block"],
        spread=spread_of(given["liquidation_limit_price"], size, mark, equity, needed),
        fee_to_fund=1,
    )  # fmt: skip
    rules = make_rules(
        (chunk, step("ALL", "BANKRUPTCY", "NONE")), ((0, held["mmr"], 1 / held["imf"]),),
        tier_rule=TierRule.FLAT, trigger=Trigger.BELOW, taker_fee=0.0, lot=1e-6,
        clearance_fee=given["max_liquidation_fee_ppm"] / 1e6,
    )  # fmt: skip
    lost = given["max_insurance_lost_per_block"]
    # the balance is what is left after paying for the position: cash less its value at entry
    e = engine([rules], cash=equity, mode="CROSS", fund_per_block=lost)
    e.place(0, size, mark, mark)
    e.set_book([tuple(level) for level in given["maker_book_price_size"]],
               given["insurance_fund_before"])  # fmt: skip
    assert e.liquidate_block()
    left = e.positions["size"][0]
    return e.pools["cash"][0] - left * mark, left


@pytest.mark.parametrize("case", CASES, ids=[one["id"] for one in CASES])
def test_block_of_the_chain_is_reproduced(case):
    balance, position = play(case)
    # exactly: to the chain's own unit of a millionth, and the last digit of a float
    assert np.round(position, 9) == case["expect"]["position_after"]
    assert np.round(balance, 6) == case["expect"]["usdc_after"]


def test_there_are_cases():
    assert len(CASES) >= 12
