"""Initial margin by table or leverage, and rules that a position keeps until it is touched."""

import numpy as np
import pytest

from backtest.core.state import Rejected
from backtest.core.types import Gains, InitialRate, LiquidationOrder

from .accounts import HOUR, START, bars, engine, make_rules, play, step

AT = (100.0,) * 4
TABLE = ((0, 0.004, 100),)
WHOLE = (step("ALL", "MARKET", "NONE"),)


@pytest.mark.parametrize(("rate", "leverage", "refused"), [
    ("LEVERAGE", 10, True),  # 10,000 of 1,100
    ("LEVERAGE", 100, False),  # 1,000
    ("TABLE", 10, False),  # 1 % of 100,000, whatever the leverage
    ("LARGER", 10, True),
    ("LARGER", 1_000, False),  # the table's 1 %, not a thousandth
])  # fmt: skip
def test_initial_margin_by_leverage_table_or_the_larger(rate, leverage, refused):
    rules = make_rules(tiers=TABLE, initial_rate=InitialRate[rate], taker_fee=0.0)
    e = engine([rules], cash=1_100.0, mode="CROSS", leverage=leverage)
    r = play(e, bars([AT]), (0, 0, "SIZE", 1_000.0))
    reasons = [Rejected.INSUFFICIENT_MARGIN] if refused else []
    assert r["rejections"]["reason"].tolist() == reasons
    if rate == "LARGER" and not refused:
        assert r["equity"]["initial_margin"][0] == pytest.approx(1_000.0)


def change(frozen):
    """Rates of 0.4 %, from the second bar on of 2 %."""
    made = [make_rules(tiers=((0, r, 100),), taker_fee=0.0, frozen=frozen) for r in (0.004, 0.02)]
    rules = np.concatenate(made)
    rules["valid_to"][0] = rules["valid_from"][1] = START + HOUR
    return rules


def test_position_keeps_its_rules_until_it_is_touched():
    e = engine([change(1)])
    block = bars([AT] * 3)
    r = play(e, block, (0, 0, "SIZE", 10.0), (2, 0, "SIZE", 10.0))
    assert r["margin"]["maintenance_margin"].tolist() == pytest.approx([4.0, 4.0, 40.0])
    assert e.positions["level"][0] == pytest.approx(90 / 0.98)


def test_reduction_touches_a_position_too():
    e = engine([change(1)])
    r = play(e, bars([AT] * 3), (0, 0, "SIZE", 10.0), (2, 0, "SIZE", -5.0))
    assert r["margin"]["maintenance_margin"].tolist() == pytest.approx([4.0, 4.0, 10.0])


def test_without_that_rule_a_position_is_re_rated_at_once():
    e = engine([change(0)])
    r = play(e, bars([AT] * 2), (0, 0, "SIZE", 10.0))
    assert r["margin"]["maintenance_margin"].tolist() == pytest.approx([4.0, 20.0])


@pytest.mark.parametrize("gains", list(Gains))
def test_gains_help_other_positions_only_where_they_are_shared(gains):
    rules = make_rules(WHOLE, TABLE, gains=gains, taker_fee=0.0)
    e = engine([rules, rules], cash=1_000.0, mode="CROSS", leverage=50)
    # the first gains 500 before the second loses 1,100
    candles = [[AT, (100, 105, 100, 105), (105.0,) * 4], [AT, AT, (100, 100, 89, 89)]]
    r = play(e, bars(*candles), (0, 0, "SIZE", 100.0), (0, 1, "SIZE", 100.0))
    assert (len(r["liquidations"]) > 0) == (gains == Gains.OWN)


@pytest.mark.parametrize("order", list(LiquidationOrder))
def test_which_position_of_a_pool_goes_first(order):
    # the first is larger, the second has lost more
    rules = make_rules(WHOLE, TABLE, order=order, taker_fee=0.0)
    e = engine([rules, rules], cash=1_000.0, mode="CROSS", leverage=50)
    candles = [[AT, (100, 100, 99, 99)], [AT, (100, 100, 90, 90)]]
    r = play(e, bars(*candles), (0, 0, "SIZE", 200.0), (0, 1, "SIZE", 90.0))
    first = 1 if order == LiquidationOrder.LARGEST_LOSS else 0
    assert r["liquidations"]["symbol"][0] == first
