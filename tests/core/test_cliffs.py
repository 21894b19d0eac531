"""Flat tables keyed on the value at the mark: the requirement jumps where a tier begins."""

from math import inf

import pytest

from backtest.core.price import liquidation_price, liquidation_prices
from backtest.core.types import TierRule
from backtest.core.way import ROUNDS

from .accounts import HOUR, bars, engine, make_rules, play, step

CLIFFS = ((0, 0.01, 50), (50_000, 0.02, 50), (100_000, 0.05, 20))
WHOLE = (step("ALL", "MARKET", "NONE"),)


def flat(steps=WHOLE, **changes):
    own = {"tier_rule": TierRule.FLAT, "taker_fee": 0.0}
    return make_rules(steps, CLIFFS, **{**own, **changes})


@pytest.mark.parametrize(("wallet", "level"), [
    (49_500.0, 50_500 / 980),  # 51,531 still lies in the second tier
    (51_100.0, 48_900 / 990),  # 48,900 / 980 is worth 49,898: in the first tier it lasts longer
])  # fmt: skip
def test_level_of_a_long_is_looked_for_down_through_the_tiers(wallet, level):
    # 1,000 at 100: 100,000, of which 2 % are needed
    assert liquidation_price(flat()[0], 1_000.0, 100.0, wallet, 100.0) == pytest.approx(level)


@pytest.mark.parametrize(("wallet", "level"), [
    (8_000.0, 48_000 / 1_010),  # 47,525 in the first tier
    (10_700.0, 50.0),  # 1 % of 50,000 is there, 2 % are not
    (12_000.0, 52_000 / 1_020),  # 50,980 in the second tier
])  # fmt: skip
def test_level_of_a_short_may_lie_exactly_at_a_cliff(wallet, level):
    # 1,000 short at 40: 40,000
    found = liquidation_price(flat()[0], -1_000.0, 40.0, wallet, 40.0)
    assert found == pytest.approx(level, rel=1e-10)
    assert found > 50.0 or level < 50.0


def test_gain_that_lifts_a_long_into_a_dearer_tier_can_liquidate_it():
    rules = flat()[0]
    # above 100,000 it needs 5,000: 3,000 and the gain are not enough, 6,000 are
    level, far = liquidation_prices(rules, 1_000.0, 100.0, 3_000.0, 100.0)
    assert (level, far) == (pytest.approx(97_000 / 980), pytest.approx(100.0))
    assert far > 100.0
    assert liquidation_prices(rules, 1_000.0, 100.0, 6_000.0, 100.0)[1] == inf


@pytest.mark.parametrize("sample_ms", [HOUR, 1_000 * HOUR])
def test_short_is_liquidated_beyond_the_cliff_and_not_on_it(sample_ms):
    for high, hit in ((50.0, 0), (50.01, 1)):
        e = engine([flat()], cash=10_700.0, mode="CROSS", leverage=4, sample_ms=sample_ms)
        candles = [(40.0,) * 4, (40.0, high, 40.0, 40.0), (40.0,) * 4]
        r = play(e, bars(candles), (0, 0, "SIZE", -1_000.0))
        assert len(r["liquidations"]) == hit
        if hit:
            assert r["liquidations"]["mark_price"][0] == pytest.approx(50.0, rel=1e-10)
            assert r["liquidations"]["tier_before"][0] == 2


@pytest.mark.parametrize("sample_ms", [HOUR, 1_000 * HOUR])
def test_long_is_liquidated_by_its_gain_inside_a_bar_and_while_quiet(sample_ms):
    # 40x: 2,500 behind 100,000
    e = engine([flat()], leverage=40, sample_ms=sample_ms)
    candles = [(100.0,) * 4, (99.8, 100.0, 99.8, 99.9), (99.8, 100.5, 99.8, 100.4)]
    r = play(e, bars(candles), (0, 0, "SIZE", 1_000.0))
    one = r["liquidations"]
    assert len(one) == 1
    assert one["ts"][0] == bars(candles)[0][2]
    assert one["mark_price"][0] == pytest.approx(100.0, rel=1e-10)
    assert one["tier_before"][0] == 3


def test_pool_is_liquidated_where_one_of_its_positions_meets_a_cliff():
    # as the short above; a second position only needs 1 of the pool's 10,750
    e = engine([flat(), flat()], cash=10_750.0, mode="CROSS", leverage=4)
    candles = [[(40.0,) * 4, (40.0, 51.0, 40.0, 40.0)], [(100.0,) * 4] * 2]
    r = play(e, bars(*candles), (0, 0, "SIZE", -1_000.0), (0, 1, "SIZE", 1.0))
    one = r["liquidations"][0]
    assert one["mark_price"] == pytest.approx(50.0, rel=1e-8)
    assert one["mark_price"] > 50.0
    assert one["maintenance_margin"] == pytest.approx(1_001.0)


@pytest.mark.parametrize("process", ["CURE", "TIERS_DOWN"])
def test_position_pushed_along_a_cliff_is_not_closed_lot_by_lot(process):
    # every reduction to the edge is met again at once: 1.6 million lots up to the high
    steps = (step(process, "MARKET", "NONE", amount=1.0, min_tier=2), *WHOLE)
    e = engine([flat(steps)], cash=10_700.0, mode="CROSS", leverage=4)
    candles = [(40.0,) * 4, (40.0, 50.2, 40.0, 40.0)]
    r = play(e, bars(candles), (0, 0, "SIZE", -1_000.0))
    assert 1 < len(r["liquidations"]) <= ROUNDS + 1
    assert abs(e.positions["size"][0]) * 50.2 <= 50_000.0
    assert e.positions["size"][0] < -990.0


@pytest.mark.parametrize("mode", ["CROSS", "ISOLATED"])
@pytest.mark.parametrize(("candle", "marks"), [
    ((99.9,) * 4, []),  # 8,000 − 5,100 are more than 2 % of 99,900
    ((105.0, 105.0, 99.9, 99.9), [97_000 / 950]),  # 5 % of more than 100,000 on the way there
])  # fmt: skip
def test_gap_over_failing_marks_into_a_cheaper_tier_does_not_liquidate(mode, candle, marks):
    leverage = {"CROSS": 20, "ISOLATED": 105_000 / 8_000}[mode]
    e = engine([flat()], cash=8_000.0, mode=mode, leverage=leverage)
    r = play(e, bars([(105.0,) * 4, candle]), (0, 0, "SIZE", 1_000.0))
    assert r["liquidations"]["mark_price"].tolist() == pytest.approx(marks)


def test_one_lot_cures_a_position_on_the_edge_of_a_cliff():
    # 10,700 − 10,000 behind a short of 50,000 and a little: 2 % are not there, 1 % are
    steps = (step("CURE", "MARKET", "NONE", amount=0.8), *WHOLE)
    e = engine([flat(steps)], cash=10_700.0, mode="CROSS", leverage=4)
    r = play(e, bars([(40.0,) * 4, (40.0, 50.001, 40.0, 40.0)]), (0, 0, "SIZE", -1_000.0))
    assert r["liquidations"]["size_closed"][0] == pytest.approx(0.001)
    assert r["liquidations"]["mark_price"][0] == pytest.approx(50.0)


def test_cure_gives_way_to_the_next_step_where_the_process_goes_on_beyond_it():
    steps = (step("CURE", "MARKET", "NONE", amount=0.8), *WHOLE)
    e = engine([flat(steps, healthy_ratio=0.0)], cash=10_700.0, mode="CROSS", leverage=4)
    r = play(e, bars([(40.0,) * 4, (40.0, 50.001, 40.0, 40.0)]), (0, 0, "SIZE", -1_000.0))
    assert r["liquidations"]["size_closed"].tolist() == pytest.approx([0.001, 999.999])


def test_pool_of_several_positions_is_liquidated_where_a_gain_lifts_one_over_a_cliff():
    # 400 at 125 are worth 50,000: 50 % of it is more than the 10,000 and the gain of 10,000
    cliff = make_rules(
        WHOLE, ((0, 0.01, 50), (50_000, 0.5, 50)), tier_rule=TierRule.FLAT, taker_fee=0.0
    )
    candles = [(100.0,) * 4, (100.0, 130.0, 100.0, 100.0)]
    e = engine([cliff, flat()], cash=10_000.0, mode="CROSS", leverage=50)
    block = bars(candles, [(100.0,) * 4] * 2)
    steps = play(e, block, (0, 0, "SIZE", 400.0), (0, 1, "SIZE", 1.0))["liquidations"]
    assert steps["mark_price"][0] == pytest.approx(125.0)
    assert e.positions["size"][0] == 0.0
