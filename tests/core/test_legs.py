"""Long and short legs of one symbol in a cross pool: their margin, their netting, their orders."""

import pytest

from backtest.core.state import Rejected
from backtest.core.types import Legs, TierRule

from .accounts import bars, engine, make_rules, play, step

FLAT_TABLE = ((0, 0.01, 50), (50_000, 0.02, 50))
AT = (100.0,) * 4
NETTING = (step("NET_LEGS", "MARKET", "NONE"), step("ALL", "MARKET", "NONE"))


def hedged(*candles, steps=NETTING, sizes=(400.0, -300.0), cash=10_000.0, **changes):
    """Records of a long and a short leg opened at the first bar, and the engine."""
    own = {"tier_rule": TierRule.FLAT, "taker_fee": 0.0, **changes}
    rules = make_rules(steps, own.pop("tiers", FLAT_TABLE), **own)
    e = engine([rules], cash=cash, mode="CROSS", leverage=50, legs=True)
    events = [(0, s, "SIZE", size) for s, size in enumerate(sizes) if size]
    return play(e, bars(list(candles)), *events), e


@pytest.mark.parametrize(("legs", "needed"), [
    ("SEPARATE", [400.0, 300.0]),  # 40,000 and 30,000 at 1 %
    ("JOINT_TIER", [800.0, 600.0]),  # 70,000 together: 2 %
    ("LARGER_SIDE", [800.0, 0.0]),
])  # fmt: skip
def test_maintenance_of_two_legs(legs, needed):
    r, _ = hedged(AT, legs=Legs[legs])
    assert r["margin"]["maintenance_margin"].tolist() == pytest.approx(needed)
    assert r["equity"]["maintenance_margin"][0] == pytest.approx(sum(needed))


def test_equal_legs_need_the_margin_of_one():
    r, _ = hedged(AT, legs=Legs.LARGER_SIDE, sizes=(300.0, -300.0))
    assert r["equity"]["maintenance_margin"][0] == pytest.approx(600.0)


@pytest.mark.parametrize(("legs", "needed"), [("JOINT_TIER", 300.0), ("LARGER_SIDE", 171.428571)])
def test_deduction_of_a_joint_tier_is_taken_once(legs, needed):
    # 70,000 at 0.5 % less 50 are 300, of which the larger leg's share is 4/7
    tiers = ((0, 0.004, 50), (50_000, 0.005, 50))
    r, _ = hedged(AT, legs=Legs[legs], tiers=tiers, tier_rule=TierRule.PROGRESSIVE)
    assert r["equity"]["maintenance_margin"][0] == pytest.approx(needed)


def test_legs_are_closed_against_each_other_first_and_that_may_be_enough():
    r, e = hedged(AT, (100.0, 100.0, 88.0, 88.0), legs=Legs.JOINT_TIER, cash=2_300.0)
    steps = r["liquidations"]
    # equity 2,300 − 100 d meets 2 % of 700 (100 − d): d = (2,300 − 1,400) / (100 − 14)
    assert steps["mark_price"][:2].tolist() == pytest.approx([100 - 900 / 86] * 2)
    assert steps["size_closed"].tolist() == [300.0, 300.0]
    # 100 are left: 1 % of 100 · 88 is far less than 1,100
    assert e.positions["size"].tolist() == [100.0, 0.0]
    assert e.pools["equity"][0] == pytest.approx(2_300 - 1_200)
    assert steps["slippage"].tolist() == [0.0, 0.0]


def test_order_on_the_wrong_leg_is_refused():
    r, e = hedged(AT, AT, sizes=(-5.0, 0.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.WRONG_LEG]
    assert e.positions["size"].tolist() == [0.0, 0.0]


def test_leg_that_is_sold_beyond_flat_is_closed_and_not_turned():
    rules = make_rules(taker_fee=0.0)
    e = engine([rules], mode="CROSS", legs=True)
    r = play(e, bars([AT, AT]), (0, 0, "SIZE", 5.0), (1, 0, "SIZE", -8.0))
    assert e.positions["size"].tolist() == [0.0, 0.0]
    assert r["rejections"]["reason"].tolist() == [Rejected.WRONG_LEG]
    assert r["rejections"]["size"].tolist() == [-3.0]


def test_cure_counts_what_closing_one_leg_adds_to_the_other():
    # equal legs, the larger counts: a lot less of one leaves the whole margin to the other
    cure = (step("CURE", "MARKET", "NONE", amount=1.0), step("ALL", "MARKET", "NONE"))
    r, _ = hedged(
        AT, (100.0, 150.0, 100.0, 150.0), steps=cure, sizes=(300.0, -300.0), cash=3_001.0,
        legs=Legs.LARGER_SIDE, tiers=((0, 0.08, 50),)
    )  # fmt: skip
    assert r["liquidations"]["rule_step"][0] == 1
    assert r["liquidations"]["size_closed"][0] == 300.0


def test_second_of_two_equal_legs_asks_for_no_margin_of_its_own():
    # 30,000 at 50 are 600; the other leg, opened at 110, would be 660
    own = {"legs": Legs.LARGER_SIDE, "sizes": (300.0, 0.0), "cash": 601.0}
    _, e = hedged(AT, **own, tiers=((0, 0.001, 50),))
    r = play(e, bars([(100.0,) * 4]), (0, 1, "SIZE", -300.0))
    assert r["fills"]["size"].tolist() == [-300.0]


def test_legs_with_exactly_what_they_need_fail_at_that_mark():
    # 1/64 of 600 and 200 at 99 is 1,237.50: what 1,637.50 less the loss of 400 leaves
    tiers = ((0, 0.015625, 50),)
    candles = (100.0, 100.0, 99.0, 99.0)
    r, _ = hedged(AT, candles, tiers=tiers, sizes=(600.0, -200.0), cash=1_637.5)
    steps = r["liquidations"]
    assert (steps["mark_price"][0], steps["liquidation_price"][0]) == (99.0, 99.0)
