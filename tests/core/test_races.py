"""Order and liquidation in one bar: what is certain, what is possible, and at which price.

A long of 10 at 10x from 100 with 0.4 % is liquidated at 90 / 0.996 = 90.36.
"""

import pytest

from backtest.core.state import Cause, Certainty, Path, Reason

from .accounts import bars, engine, make_rules, mark_candle, order, play, settle

FLAT = (100.0,) * 4
CERTAIN, POSSIBLE = Certainty.CERTAIN, Certainty.POSSIBLE
ENDS = (Path.PESSIMISTIC, Path.OPTIMISTIC)
LEVEL = 90 / 0.996


def both(candles, *events, mark=None, size=10.0, funding=None, **settings):
    """Records of both ends of an account that opens at 100 and meets candles from bar 1 on."""
    results = []
    for path in ENDS:
        block = bars([FLAT, *candles])
        block = block if mark is None else mark_candle(block, 1, mark)
        block = block if funding is None else settle(block, 1, funding, inside=True)
        rules = settings.get("rules", make_rules(taker_fee=0.0, clearance_fee=0.0))
        e = engine([rules], path=path, **{k: v for k, v in settings.items() if k != "rules"})
        held = [(0, 0, "SIZE", size)] if size else []
        results.append((play(e, block, *held, *events), e))
    return results


def story(records):
    """(reason, certainty) of every fill after the opening."""
    return [(Reason(f["reason"]).name, int(f["certainty"])) for f in records["fills"][1:]]


CRASH = (100.0, 100.0, 80.0, 95.0)


def test_stop_on_one_price_saves_for_certain():
    for r, e in both([CRASH], order(1, "STOP", -10.0, 92.0)):
        assert story(r) == [("STOP", CERTAIN)]
        assert r["fills"]["price"][1] == 92.0
        assert e.pools["equity"][0] == pytest.approx(10_000 - 80)


@pytest.mark.parametrize("stop", [90.0, 50.0, 1.0])
def test_stop_beyond_the_liquidation_price_never_fills_under_it(stop):
    # −99 % among them: the liquidation comes first on the one way down
    for r, _ in both([(100.0, 100.0, 0.5, 95.0)], order(1, "STOP", -10.0, stop)):
        assert story(r) == [("LIQUIDATION", CERTAIN)]
        assert r["fills"]["price"][1] == pytest.approx(LEVEL)
        assert r["liquidations"]["mark_price"][0] == pytest.approx(LEVEL)


def test_gap_over_stop_and_liquidation_liquidates_at_the_open():
    for r, _ in both([(85.0, 95.0, 84.0, 90.0)], order(1, "STOP", -10.0, 92.0)):
        assert story(r) == [("LIQUIDATION", CERTAIN)]
        assert r["liquidations"]["mark_price"][0] == 85.0


def test_stop_on_another_price_than_the_mark_may_be_too_late():
    # trade stops at 91, the mark goes to 89: either may be first
    mark, trade = (100.0, 100.0, 89.0, 96.0), (100.0, 100.0, 91.0, 96.0)
    (worst, _), (best, _) = both([trade], order(1, "STOP", -10.0, 92.0), mark=mark)
    assert story(worst) == [("LIQUIDATION", POSSIBLE)]
    assert story(best) == [("STOP", POSSIBLE)]
    assert best["fills"]["price"][1] == 92.0


def test_stop_on_the_mark_saves_for_certain_whatever_trade_does():
    mark, trade = (100.0, 100.0, 80.0, 96.0), (100.0, 100.0, 91.0, 96.0)
    for r, _ in both([trade], order(1, "STOP", -10.0, 92.0, by="MARK"), mark=mark):
        assert story(r) == [("STOP", CERTAIN)]


def test_mark_that_never_reaches_the_level_leaves_only_the_stop():
    mark, trade = (100.0, 100.0, 91.0, 96.0), (100.0, 100.0, 80.0, 96.0)
    for r, _ in both([trade], order(1, "STOP", -10.0, 92.0), mark=mark):
        assert story(r) == [("STOP", CERTAIN)]


def test_mark_that_ends_beyond_the_level_liquidates_what_the_stop_left_in_both_ends():
    # 4 leave at 92; of the 6 that stay the level is the same, and the mark closes under it
    mark, trade = (100.0, 100.0, 89.0, 89.5), (100.0, 100.0, 91.0, 91.0)
    for r, e in both([trade], order(1, "STOP", -4.0, 92.0), mark=mark):
        assert ("LIQUIDATION", CERTAIN) in story(r)
        assert e.positions["size"][0] == 0.0


@pytest.mark.parametrize("size", [10.0, -10.0])
def test_take_profit_and_liquidation_of_one_bar_may_come_in_either_order(size):
    goal = 105.0 if size > 0 else 95.0
    wide = (100.0, 106.0, 89.0, 100.0) if size > 0 else (100.0, 111.0, 94.0, 100.0)
    (worst, _), (best, _) = both([wide], order(1, "TAKE_PROFIT", -size, goal), size=size)
    assert story(worst) == [("LIQUIDATION", POSSIBLE)]
    assert story(best) == [("TAKE_PROFIT", POSSIBLE)]


def test_take_profit_that_the_open_has_passed_comes_first_for_certain():
    for r, _ in both([(106.0, 106.0, 80.0, 90.0)], order(0, "TAKE_PROFIT", -10.0, 105.0)):
        assert story(r) == [("TAKE_PROFIT", CERTAIN)]
        assert r["fills"]["price"][1] == 106.0


def test_entry_that_fills_after_the_low_is_not_liquidated_by_it():
    # from 100 down to 88 or up to 104 first; bought at 103 its level is 92.7 / 0.996
    (worst, _), (best, e) = both(
        [(100.0, 104.0, 88.0, 102.0)], order(1, "STOP", 10.0, 103.0), size=0.0
    )
    assert [Certainty(f["certainty"]) for f in worst["fills"]] == [CERTAIN, POSSIBLE]
    assert worst["fills"]["reason"].tolist() == [Reason.STOP, Reason.LIQUIDATION]
    assert len(best["liquidations"]) == 0
    assert e.positions["size"][0] == 10.0


def test_entry_on_the_bars_way_down_is_liquidated_by_the_low_for_certain():
    # bought at 98 by limit, with 88 still to come whichever way the bar began
    for r, _ in both([(100.0, 101.0, 80.0, 99.0)], order(1, "LIMIT", 10.0, 98.0), size=0.0):
        assert r["fills"]["reason"].tolist() == [Reason.LIMIT, Reason.LIQUIDATION]
        assert r["fills"]["certainty"].tolist() == [CERTAIN, CERTAIN]


def test_entry_opened_by_a_stop_is_watched_to_the_close():
    # bought at 103, and the bar closes at 88
    for r, _ in both([(100.0, 104.0, 88.0, 88.0)], order(1, "STOP", 10.0, 103.0), size=0.0):
        assert r["liquidations"]["certainty"].tolist() == [CERTAIN]


def test_wick_to_40_000_liquidates_a_long_from_50_000_in_spite_of_the_recovery():
    fifty = (50_000.0,) * 4
    e = engine([make_rules()], cash=1_000.0)
    r = play(e, bars([fifty, (50_000.0, 50_100.0, 40_000.0, 50_050.0)]), (0, 0, "SIZE", 0.1))
    assert r["liquidations"]["certainty"].tolist() == [CERTAIN]
    assert r["liquidations"]["mark_price"][0] == pytest.approx(45_000 / 0.996)
    assert e.positions["size"][0] == 0.0


def test_reduction_before_the_level_lets_the_rest_of_a_cross_account_live():
    # 100 lose all of 700 at 93; with half of them closed at 96 the other half has 100 left at 92
    rules = make_rules(taker_fee=0.0, clearance_fee=0.0)
    settings = {"mode": "CROSS", "cash": 700.0, "rules": rules, "leverage": 20}
    fall = [(100.0, 100.0, 92.0, 95.0)]
    for r, e in both(fall, order(1, "STOP", -50.0, 96.0), size=100.0, **settings):
        assert story(r) == [("STOP", CERTAIN)]
        assert e.positions["size"][0] == 50.0
    for r, _ in both(fall, size=100.0, **settings):
        assert len(r["liquidations"]) > 0


def test_order_that_turns_a_long_is_liquidated_as_the_short_it_became():
    # sold 20 at 97: a short of 10 from 97 with its level at 106.7 / 1.004 = 106.27
    turn = order(1, "STOP", -20.0, 97.0)
    for r, e in both([(100.0, 100.0, 80.0, 85.0)], turn):
        assert len(r["liquidations"]) == 0
        assert e.positions["size"][0] == -10.0
    for r, _ in both([(100.0, 100.0, 96.0, 107.0)], turn):
        assert r["liquidations"]["side"].tolist() == [-1]
        assert r["liquidations"]["certainty"].tolist() == [CERTAIN]


@pytest.mark.parametrize(("rate", "first"), [(0.06, [POSSIBLE, None]), (-0.06, [POSSIBLE, None])])
def test_funding_inside_a_bar_comes_before_the_low_or_after_it(rate, first):
    # 6 % of the value move the level to 96.4 if paid and to 84.3 if received; the low is 88 or 93
    low = 93.0 if rate > 0 else 88.0
    ends = both([(100.0, 100.0, low, 99.0), FLAT], funding=rate)
    seen = [r["liquidations"]["certainty"].tolist() for r, _ in ends]
    assert [certainty[0] if certainty else None for certainty in seen] == first
    (_, _), (best, _) = ends
    assert len(best["funding"]) == 1


def test_funding_that_leaves_too_little_at_the_close_liquidates_for_certain():
    for r, _ in both([(100.0, 100.0, 99.0, 99.0)], funding=0.1):
        assert r["liquidations"]["certainty"].tolist() == [CERTAIN]
        assert r["liquidations"]["cause"].tolist() == [Cause.FUNDING]


POOL = {"mode": "CROSS", "leverage": 20, "cash": 1_000.0}


def pool_ends(first, second, *events):
    """Both ends of a cross pool of two longs of 50 that meet one bar each."""
    results = []
    for path in ENDS:
        e = engine([make_rules(taker_fee=0.0)] * 2, path=path, **POOL)
        block = bars([FLAT, first], [FLAT, second])
        held = [(0, 0, "SIZE", 50.0), (0, 1, "SIZE", 50.0)]
        results.append((play(e, block, *held, *events), e))
    return results


def test_lows_of_two_symbols_need_not_come_at_once():
    dip = (100.0, 100.0, 89.0, 100.0)
    (worst, _), (best, _) = pool_ends(dip, dip)
    assert set(worst["liquidations"]["certainty"].tolist()) == {POSSIBLE}
    assert len(worst["marks"]) == 2
    assert len(best["liquidations"]) == 0


def test_low_of_one_symbol_that_is_enough_alone_is_certain():
    (worst, _), (best, _) = pool_ends((100.0, 100.0, 79.0, 100.0), FLAT)
    assert worst["liquidations"]["certainty"][0] == best["liquidations"]["certainty"][0] == CERTAIN


def test_joint_close_is_certain():
    fall = (100.0, 100.0, 89.0, 89.0)
    for r, _ in pool_ends(fall, fall):
        assert r["liquidations"]["certainty"][0] == CERTAIN


def test_gain_of_one_symbol_may_stand_behind_the_fall_of_another():
    # 50 long at 79 lose 1,050 of 1,000; the other's 110 add 500 at some moment
    (worst, _), (best, _) = pool_ends((100.0, 100.0, 79.0, 99.0), (100.0, 110.0, 100.0, 100.0))
    assert set(worst["liquidations"]["certainty"].tolist()) == {POSSIBLE}
    assert len(best["liquidations"]) == 0


def test_stop_of_one_symbol_saves_a_pool_only_if_it_comes_in_time():
    dip = (100.0, 100.0, 89.0, 100.0)
    (worst, _), (best, e) = pool_ends(dip, dip, order(1, "STOP", -50.0, 95.0))
    assert story(best)[1:] == [("STOP", CERTAIN)]
    assert len(best["liquidations"]) == 0
    assert e.positions["size"].tolist() == [0.0, 50.0]
    # down in step to 95 the pool lives, and its first symbol has left then
    assert len(worst["liquidations"]) == 0


def test_pools_that_may_fall_in_one_bar_are_each_judged_for_themselves():
    # both longs may be stopped at 92 on trade or fall at 90.36 on the mark
    mark, trade = (100.0, 100.0, 89.0, 96.0), (100.0, 100.0, 91.0, 96.0)
    rules = make_rules(taker_fee=0.0, clearance_fee=0.0)
    e = engine([rules, rules], pools=[0, 1], cash=100.0, mode="CROSS", path=Path.PESSIMISTIC)
    block = bars([FLAT, trade], [FLAT, trade])
    for s in (0, 1):
        mark_candle(block, 1, mark, symbol=s)
    held = [(0, s, "SIZE", 10.0) for s in (0, 1)]
    stops = [order(1, "STOP", -10.0, 92.0, symbol=s) for s in (0, 1)]
    r = play(e, block, *held, *stops)
    assert r["liquidations"]["symbol"].tolist() == [0, 1]
    assert r["liquidations"]["certainty"].tolist() == [POSSIBLE, POSSIBLE]
