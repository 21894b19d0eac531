"""Closing fees reserved on cost and margin, and the provision for the next funding payment."""

import pytest

from backtest.core.price import liquidation_price
from backtest.core.requirement import constant_part, maintenance_margin, takeover_of
from backtest.core.types import (
    CloseFee,
    FundingFrom,
    IsolatedOpen,
    NextFunding,
    TierKey,
    TierRule,
    ValuedAt,
)

from .accounts import HOUR, bars, engine, make_rules, play, settle, step

AT_ENTRY = {
    "tier_key": TierKey.NOTIONAL_AT_ENTRY, "tier_rule": TierRule.FLAT,
    "maintenance_at": ValuedAt.ENTRY, "initial_at": ValuedAt.ENTRY,
}  # fmt: skip
RESERVED = {**AT_ENTRY, "close_fee": CloseFee.COST_AND_MARGIN, "bankruptcy_fee": 1}
ALONE = float("nan")
"""No leverage known: the fee is part of the margin reported."""
AT = (100.0,) * 4


def test_published_position_with_its_fee_and_its_provision():
    # 0.02 ETH at 4,182.1 cost 83.642; the margin of 3.68897586 holds a fee of 0.06 %
    rules = make_rules(
        tiers=((0, 0.005, 100),), taker_fee=0.0006, next_funding=NextFunding.LAST_RATE, **RESERVED
    )[0]
    size, entry, margin = 0.02, 4_182.1, 3.68897586
    fee = constant_part(rules, size, entry, ALONE, margin, 0.0)
    assert fee == pytest.approx(0.05236717, abs=5e-9)
    constant = constant_part(rules, size, entry, ALONE, margin, 0.000428)
    needed = maintenance_margin(rules, size, entry, entry, constant)
    assert needed == pytest.approx(0.50637594, abs=5e-8)
    # (83.642 − 3.68897586 + 0.50637594) / 0.02 and (83.642 − 3.68897586 + 0.05236717) / 0.02
    level = liquidation_price(rules, size, entry, margin - constant, entry)
    assert level == pytest.approx(4_022.97, abs=0.01)
    assert takeover_of(rules, size, entry, margin, fee) == pytest.approx(4_000.27, abs=0.01)


@pytest.mark.parametrize("fee", [0.0, 0.00075, 0.002])
def test_reserved_fee_moves_neither_price_of_an_inverse_position(fee):
    # 25x short from 6,725: E/(1 − 1/L + m) and E/(1 − 1/L)
    rules = make_rules(tiers=((0, 0.005, 100),), taker_fee=fee, inverse=1, **RESERVED)[0]
    cost = 500 / 6_725
    reserved = constant_part(rules, -500.0, 6_725.0, 25.0, 0.0, 0.0)
    assert reserved == pytest.approx(cost * 1.04 * fee)
    margin = cost / 25 + reserved
    level = liquidation_price(rules, -500.0, 6_725.0, margin - reserved, 6_725.0)
    assert level == pytest.approx(6_725 / 0.965)
    taken = takeover_of(rules, -500.0, 6_725.0, margin, reserved)
    assert taken == pytest.approx(6_725 / 0.96)


@pytest.mark.parametrize("size", [10.0, -10.0])
def test_takeover_charges_the_reserved_fee_and_leaves_nothing(size):
    takeover = (step("ALL", "BANKRUPTCY", "TAKER"),)
    rules = make_rules(
        takeover, taker_fee=0.001, isolated_open=IsolatedOpen.PLUS_CLOSING_FEE, **RESERVED
    )
    e = engine([rules], cash=1_000.0)
    fall = (100.0, 120.0, 80.0, 100.0)
    r = play(e, bars([AT, fall]), (0, 0, "SIZE", size))
    one = r["liquidations"][0]
    # cost 1,000, margin 100, fee (1,000 + 100) · 0.1 % = 1.1; the margin of 4 is forfeited
    assert one["fee"] == pytest.approx(1.1)
    assert one["exit_price"] == pytest.approx(90.0 if size > 0 else 110.0)
    assert one["forfeited"] == pytest.approx(4.0)
    assert one["residual"] == pytest.approx(0.0, abs=1e-9)
    assert e.pools["cash"][0] == pytest.approx(1_000 - 100 - 1.1 - 1.0)


def provided(**changes):
    own = {"next_funding": NextFunding.LAST_RATE, "funding_from": FundingFrom.MARGIN, **changes}
    return make_rules(tiers=((0, 0.004, 100),), taker_fee=0.0, **AT_ENTRY, **own)


@pytest.mark.parametrize(("size", "rate", "level"), [
    (10.0, 0.001, 90.6),  # 0.1 paid and 0.1 to be paid, over 90.4
    (10.0, -0.001, 90.3),  # received, nothing to be paid
    (-10.0, 0.001, 109.7),
    (-10.0, -0.001, 109.4),
])  # fmt: skip
def test_level_moves_with_what_was_settled_and_what_comes_next(size, rate, level):
    e = engine([provided()])
    play(e, settle(bars([AT, AT]), 1, rate), (0, 0, "SIZE", size))
    assert e.positions["level"][0] == pytest.approx(level)


@pytest.mark.parametrize("sample_ms", [HOUR, 1_000 * HOUR])
@pytest.mark.parametrize("needs_it", list(NextFunding))
def test_rate_settled_last_is_remembered_while_flat(sample_ms, needs_it):
    e = engine([provided(next_funding=needs_it)], sample_ms=sample_ms)
    block = settle(settle(bars([AT] * 5), 1, 0.003), 2, 0.002)
    block = settle(block, 2, 0.001, inside=True)  # after that of the same bar's open
    play(e, block, (4, 0, "SIZE", 10.0))
    assert e.positions["funding_rate"][0] == 0.001
    assert e.positions["level"][0] == pytest.approx(90.5 if needs_it else 90.4)
