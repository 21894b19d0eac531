"""What comes first at an open, and which cause a liquidation is given."""

import numpy as np
import pytest

from backtest.core.state import Cause, Certainty, Rejected
from backtest.core.types import HAS_MARK, FundingFrom, Trigger

from .accounts import (
    FIFTHS,
    HOUR,
    START,
    bars,
    engine,
    flag,
    make_rules,
    mark_candle,
    play,
    settle,
)

FLAT = (100.0, 100.0, 100.0, 100.0)
GAP = (85.0, 86.0, 84.0, 85.0)


def test_gap_liquidates_before_the_order_that_waited_for_this_open():
    # the order for the open of bar 1 would have closed the position
    r = play(engine([make_rules()]), bars([FLAT, GAP]), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -10.0))
    assert len(r["liquidations"]) == 1
    assert r["liquidations"]["mark_price"][0] == 85.0
    assert r["rejections"]["reason"].tolist() == [Rejected.CANCELLED_BY_LIQUIDATION]
    assert r["rejections"]["size"][0] == -10.0
    assert len(r["fills"]) == 2


def test_target_for_the_open_of_a_gap_stands_and_starts_from_nothing():
    e = engine([make_rules()])
    r = play(e, bars([FLAT, GAP]), (0, 0, "SIZE", 10.0), (1, 0, "EXPOSURE", -1.0))
    assert len(r["rejections"]) == 0
    assert r["fills"]["size"][1] == -10.0
    # sized at the close before: one time 9,999.5 of equity at 100, sold at the open of 85
    assert r["fills"]["size"][2] == -99.995
    assert r["fills"]["price"][2] == 85.0
    assert e.positions["target"][0] == -1.0


def test_orders_of_other_isolated_symbols_survive_a_liquidation():
    e = engine([make_rules(), make_rules()])
    r = play(e, bars([FLAT, GAP], [FLAT, FLAT]), (0, 0, "SIZE", 10.0), (1, 1, "SIZE", 5.0))
    assert len(r["liquidations"]) == 1
    assert len(r["rejections"]) == 0
    assert e.positions["size"].tolist() == [0.0, 5.0]


def test_orders_of_a_whole_cross_pool_are_cancelled():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0)
    r = play(e, bars([FLAT, GAP], [FLAT, FLAT]), (0, 0, "SIZE", 80.0), (1, 1, "SIZE", 1.0))
    assert len(r["liquidations"]) == 1
    assert r["rejections"]["symbol"].tolist() == [1]
    assert e.positions["size"].tolist() == [0.0, 0.0]


def test_order_waiting_in_a_hole_is_cancelled_by_a_liquidation_on_the_mark():
    block = flag(bars([FLAT, FLAT, GAP, FLAT]), 1, HAS_MARK)
    block = flag(block, 2, HAS_MARK)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -4.0))
    assert r["rejections"]["ts"].tolist() == [START + 2 * HOUR]
    assert r["rejections"]["size"].tolist() == [-4.0]
    assert r["liquidations"]["size_closed"].tolist() == [10.0]


def test_orders_after_a_liquidation_are_not_touched():
    r = play(
        engine([make_rules()]), bars([FLAT, GAP, FLAT]), (0, 0, "SIZE", 10.0), (2, 0, "SIZE", 1.0)
    )  # fmt: skip
    assert r["fills"]["size"].tolist() == [10.0, -10.0, 1.0]
    assert len(r["rejections"]) == 0


def test_liquidation_inside_the_bar_of_the_order_hits_the_new_position():
    r = play(engine([make_rules()]), bars([(100, 100, 85, 95)]), (0, 0, "SIZE", 10.0))
    assert r["liquidations"]["cause"].tolist() == [Cause.PRICE]
    assert r["liquidations"]["bars_held"].tolist() == [0]


def test_funding_that_uses_up_the_margin_is_the_cause():
    # margin 100, MM 4 at 100: a payment of 9.7 % of 1000 leaves 3
    block = settle(bars([FLAT, FLAT]), 1, 0.097)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    one = r["liquidations"][0]
    assert one["cause"] == Cause.FUNDING
    assert one["equity_before"] == pytest.approx(3.0, abs=1e-9)
    assert one["mark_price"] == 100.0
    assert r["funding"]["amount"].tolist() == pytest.approx([97.0])


def test_price_is_the_cause_when_the_gap_alone_would_have_done_it():
    block = settle(bars([FLAT, (90.0, 90.0, 90.0, 90.0)]), 1, 0.05)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    assert r["liquidations"]["cause"].tolist() == [Cause.PRICE]
    assert len(r["funding"]) == 0, "nothing is held any more when funding is settled"


def test_price_is_the_cause_after_funding_that_only_brought_the_level_nearer():
    block = settle(bars([FLAT, (100, 100, 95, 98)]), 1, 0.06)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    one = r["liquidations"][0]
    assert one["cause"] == Cause.PRICE
    # margin 100 - 60: P = (100 - 4) / (1 - 0.004)
    assert one["mark_price"] == pytest.approx(96 / 0.996, rel=1e-12)


def test_funding_inside_a_bar_comes_before_its_low_for_a_pessimist():
    block = settle(bars([FLAT, (100, 100, 98, 99)]), 1, 0.09, inside=True)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    assert r["funding"]["price"].tolist() == [99.0], "settled at the mark's close on both"
    assert r["liquidations"]["cause"].tolist() == [Cause.PRICE]
    assert r["liquidations"]["certainty"].tolist() == [Certainty.CERTAIN], "on every way"


def test_position_opened_at_the_settlement_is_not_charged():
    r = play(engine([make_rules()]), settle(bars([FLAT, FLAT]), 0, 0.01), (0, 0, "SIZE", 10.0))
    assert len(r["funding"]) == 0


def test_position_closed_at_the_settlement_is_charged_before():
    block = settle(bars([FLAT, FLAT]), 1, 0.01)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -10.0))
    assert r["funding"]["amount"].tolist() == pytest.approx([10.0])


def test_short_receives_a_positive_rate_and_isolated_margin_grows():
    e = engine([make_rules()])
    r = play(e, settle(bars([FLAT, FLAT]), 1, 0.01), (0, 0, "SIZE", -10.0))
    assert r["funding"]["amount"].tolist() == pytest.approx([-10.0])
    assert e.positions["margin"][0] == pytest.approx(110.0)
    assert e.pools["funding"][0] == pytest.approx(-10.0)


@pytest.mark.parametrize(("cash", "margin", "wallet"), [(200.0, 100.0, 89.5), (103.0, 92.5, 0.0)])
def test_wallet_pays_funding_as_far_as_it_reaches(cash, margin, wallet):
    rules = make_rules(funding_from=FundingFrom.WALLET)
    e = engine([rules], cash=cash)
    play(e, settle(bars([FLAT, FLAT]), 1, 0.01), (0, 0, "SIZE", 10.0))
    assert e.positions["margin"][0] == pytest.approx(margin)
    assert e.pools["cash"][0] == pytest.approx(wallet)


def test_funding_received_goes_where_it_is_taken_from():
    rules = make_rules(funding_from=FundingFrom.WALLET)
    e = engine([rules], cash=200.0)
    play(e, settle(bars([FLAT, FLAT]), 1, -0.01), (0, 0, "SIZE", 10.0))
    assert e.positions["margin"][0] == 100.0
    assert e.pools["cash"][0] == pytest.approx(200 - 100 - 0.5 + 10)


def test_cross_pool_pays_funding_and_can_fail_by_it():
    e = engine([make_rules()], mode="CROSS", cash=1_000.0)
    r = play(e, settle(bars([FLAT, FLAT]), 1, 0.098), (0, 0, "SIZE", 98.0))
    assert e.pools["funding"][0] == pytest.approx(960.4)
    assert r["liquidations"]["cause"].tolist() == [Cause.FUNDING]
    assert r["liquidations"]["scope"].tolist() == [1]


def dated(first, second, bar):
    """Rules that change at the open of a bar."""
    rules = np.concatenate([first, second])
    rules["valid_to"][0] = rules["valid_from"][1] = START + HOUR * bar
    return rules


def test_raised_requirement_liquidates_an_open_position_by_tier_change():
    raised = make_rules(tiers=((0, 0.12, 5),))
    r = play(engine([dated(make_rules(), raised, 1)]), bars([FLAT, FLAT]), (0, 0, "SIZE", 10.0))
    one = r["liquidations"][0]
    assert one["cause"] == Cause.TIER_CHANGE
    assert one["maintenance_margin"] == pytest.approx(120.0)
    assert one["rule"] == 1


def test_gap_at_the_change_is_judged_by_the_old_rules_first():
    raised = make_rules(tiers=((0, 0.12, 5),))
    r = play(engine([dated(make_rules(), raised, 1)]), bars([FLAT, GAP]), (0, 0, "SIZE", 10.0))
    assert r["liquidations"]["cause"].tolist() == [Cause.PRICE]
    assert r["liquidations"]["rule"].tolist() == [0]


def test_lowered_leverage_keeps_the_position_and_refuses_more():
    lowered = make_rules(tiers=((0, 0.004, 5),))
    e = engine([dated(make_rules(), lowered, 1)])
    r = play(e, bars([FLAT] * 3), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", 1.0), (2, 0, "SIZE", -4.0))
    assert len(r["liquidations"]) == 0
    assert r["rejections"]["reason"].tolist() == [Rejected.MAX_LEVERAGE]
    assert e.positions["size"][0] == pytest.approx(6.0)


def test_change_moves_the_level_inside_the_bar_it_starts_with():
    raised = make_rules(tiers=((0, 0.05, 10),))
    rules = dated(make_rules(), raised, 1)
    r = play(engine([rules]), bars([FLAT, (100, 100, 94, 95)]), (0, 0, "SIZE", 10.0))
    assert r["liquidations"]["mark_price"][0] == pytest.approx(90 / 0.95, rel=1e-12)
    assert r["liquidations"]["cause"].tolist() == [Cause.PRICE]


def test_mark_and_not_trade_liquidates():
    block = mark_candle(bars([FLAT, (100, 100, 80, 95)]), 1, (100, 100, 91, 95))
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    assert len(r["liquidations"]) == 0


def test_nothing_happens_in_a_bar_without_any_price():
    block = flag(bars([FLAT, (np.nan,) * 4, FLAT]), 1, 0)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -10.0))
    assert r["fills"]["ts"].tolist() == [START, START + 2 * HOUR]


def test_margin_is_checked_where_only_the_mark_is_known():
    block = flag(bars([FLAT, (100, 100, 85, 95)]), 1, HAS_MARK)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    assert len(r["liquidations"]) == 1


def test_order_is_cancelled_once_when_its_bucket_is_liquidated_twice_at_one_open():
    rules = make_rules(FIFTHS, ((0, 0.0125, 40),), trigger=Trigger.BELOW)
    block = settle(bars([FLAT, (96.1,) * 4]), 1, 0.02)
    e = engine([rules], cash=1e6, leverage=20)
    r = play(e, block, (0, 0, "SIZE", 5_000.0), (1, 0, "SIZE", -100.0))
    assert r["liquidations"]["cause"].tolist()[:2] == [Cause.PRICE, Cause.FUNDING]
    assert r["rejections"]["size"].tolist() == [-100.0]


def test_no_funding_is_charged_in_a_bar_without_any_price():
    block = settle(flag(bars([FLAT, FLAT, FLAT]), 1, 0), 1, 0.5)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0))
    assert len(r["funding"]) == 0
    assert len(r["liquidations"]) == 0


def test_lowest_close_of_a_sample_counts_quiet_bars_without_a_position():
    block = bars([FLAT] * 6 + [(100, 110, 100, 110)] + [(110, 110, 110, 110)] * 3)
    e = engine([make_rules(taker_fee=0.0)], sample_ms=5 * HOUR)
    r = play(e, block, (6, 0, "SIZE", 10.0))
    assert r["equity"]["equity"].tolist() == [10_000.0, 10_000.0, 10_100.0]
    assert r["equity"]["equity_low"].tolist() == [10_000.0, 10_000.0, 10_000.0]
