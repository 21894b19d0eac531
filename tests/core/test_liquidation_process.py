"""Each venue-like process on numbers that can be followed by hand."""

import numpy as np
import pytest

from backtest.core.types import CloseFee, FundingFrom, IsolatedOpen, TierKey, TierRule, Trigger

from .accounts import (
    FIFTHS,
    LADDER,
    TWO_DOWN,
    bars,
    engine,
    make_rules,
    money_is_conserved,
    orders,
    step,
    steps_balance,
)

FLAT = (100.0, 100.0, 100.0, 100.0)


def run_one(rules, candles, size, **settings):
    e = engine([rules], **settings)
    e.give(orders((0, 0, "SIZE", size)))
    e.feed(*bars(candles))
    records = e.take("liquidations")
    assert money_is_conserved(e)
    assert steps_balance(records)
    return e, records


def test_clearance_fee_takes_what_a_small_position_has_left():
    # margin 10 a unit, less 0.05 opening fee; MM 0.4 %: P = (100 - 9.95)/(1 - 0.004)
    rules = make_rules(isolated_open=IsolatedOpen.MINUS_OPENING_FEE)
    e, records = run_one(rules, [FLAT, (100, 100, 85, 95)], 10.0)
    assert len(records) == 1
    r = records[0]
    assert r["mark_price"] == pytest.approx(90.05 / 0.996, rel=1e-12)
    assert r["size_closed"] == 10.0
    assert r["equity_before"] == pytest.approx(r["maintenance_margin"], rel=1e-9)
    # the fee of 1.25 % is more than the 0.4 % that is left
    assert r["fee"] == pytest.approx(r["equity_before"], rel=1e-12)
    assert r["residual"] == 0.0
    assert e.pools[0]["equity"] == pytest.approx(10_000 - 100, rel=1e-12)


def test_large_position_is_reduced_until_it_is_cured():
    _, records = run_one(
        make_rules(), [FLAT, (100, 100, 95.7, 96)], 20_000.0, cash=1e6, leverage=20
    )
    first = records[0]
    assert first["tier_before"] == 4
    assert 0 < first["size_closed"] < 20_000
    assert first["tier_after"] > 0
    size, mark = 20_000 - first["size_closed"], first["mark_price"]
    value = size * mark
    needed = 0.025 * value - 16_300
    assert needed / first["residual"] == pytest.approx(0.9, rel=1e-5)


def test_large_position_is_cured_in_part_where_the_fee_of_a_full_close_exceeds_the_margin():
    # 1.2 million at 2.5 %: 13,700 are left, a full close would cost 15,000
    candles = [FLAT, (100, 100, 96.08, 97)]
    _, records = run_one(make_rules(), candles, 12_450.0, cash=1e6, leverage=20)
    first = records[0]
    assert first["tier_before"] == 4
    value = 12_450 * first["mark_price"]
    assert first["equity_before"] == pytest.approx(0.025 * value - 16_300, rel=1e-9)
    assert first["equity_before"] < 0.0125 * value
    # 0.9·(E − 0.0125·x) = E − 0.025·x for a closing of value x
    closed = 0.1 * first["equity_before"] / (0.025 - 0.9 * 0.0125)
    assert first["size_closed"] == pytest.approx(closed / first["mark_price"], rel=1e-4)
    assert first["residual"] == pytest.approx(first["equity_before"] - 0.0125 * closed, rel=1e-4)


def test_ladder_closes_to_the_lower_tiers_limit_at_market():
    rules = make_rules(
        LADDER,
        close_fee=CloseFee.AT_BANKRUPTCY,
        bankruptcy_fee=1,
        isolated_open=IsolatedOpen.PLUS_CLOSING_FEE,
        funding_from=FundingFrom.WALLET,
    )
    _, records = run_one(rules, [FLAT, (100, 100, 95.3, 96)], 4_000.0, cash=1e6, leverage=20)
    r = records[0]
    assert r["tier_before"] == 3
    assert r["tier_after"] == 2
    assert (4_000 - r["size_closed"]) * r["mark_price"] == pytest.approx(250_000, rel=1e-5)
    assert r["fee"] == pytest.approx(r["size_closed"] * r["mark_price"] * 0.0005, rel=1e-12)


def test_takeover_at_the_bankruptcy_price_leaves_nothing_and_costs_the_whole_margin():
    rules = make_rules(
        LADDER,
        close_fee=CloseFee.AT_BANKRUPTCY,
        bankruptcy_fee=1,
        isolated_open=IsolatedOpen.PLUS_CLOSING_FEE,
        funding_from=FundingFrom.WALLET,
    )
    e, records = run_one(rules, [FLAT, (100, 100, 85, 95)], 10.0)
    r = records[0]
    # bankruptcy at 90 for 10x; the reserved closing fee cancels out of the trigger
    assert r["bankruptcy_price"] == pytest.approx(90.0, rel=1e-12)
    assert r["exit_price"] == pytest.approx(90.0, rel=1e-12)
    assert r["mark_price"] == pytest.approx(90 / 0.996, rel=1e-12)
    assert r["residual"] == 0.0
    assert r["fee"] == pytest.approx(0.0005 * 900, rel=1e-12)
    lost = 100 + 0.45 + 0.5
    assert e.pools[0]["equity"] == pytest.approx(10_000 - lost, rel=1e-12)


def test_two_tiers_down_is_taken_over_in_part_and_the_rest_is_healthy():
    tiers = ((0, 0.004, 100), (100, 0.005, 66), (500, 0.0075, 50), (1000, 0.0125, 40))
    rules = make_rules(
        TWO_DOWN,
        tiers,
        tier_key=TierKey.SIZE,
        tier_rule=TierRule.FLAT,
        close_fee=CloseFee.AT_MARK,
        bankruptcy_fee=1,
    )
    _, records = run_one(rules, [FLAT, (100, 100, 96.2, 97)], 1_200.0, leverage=20)
    first = records[0]
    assert (first["tier_before"], first["tier_after"]) == (4, 2)
    assert first["size_closed"] == pytest.approx(700.0)
    assert first["residual"] == pytest.approx(first["equity_before"] * 500 / 1200, rel=1e-9)


def test_a_fifth_goes_first_and_the_rest_within_the_waiting_time():
    tiers = ((0, 0.0125, 40),)
    rules = make_rules(
        FIFTHS, tiers, trigger=Trigger.BELOW, isolated_open=IsolatedOpen.MINUS_OPENING_FEE
    )
    _, records = run_one(rules, [FLAT, (100, 100, 90, 97)], 5_000.0, cash=1e6, leverage=20)
    assert records["size_closed"][0] == pytest.approx(1_000.0)
    assert records["residual"][0] > 0
    assert records["size_closed"][1] == pytest.approx(4_000.0)
    assert records["fee"][0] == pytest.approx(1_000 * records["mark_price"][0] * 0.0005)


def test_gap_beyond_two_thirds_of_the_requirement_goes_to_the_backstop():
    rules = make_rules(FIFTHS, ((0, 0.0125, 40),), trigger=Trigger.BELOW)
    e, records = run_one(rules, [FLAT, (95.5, 96, 95.5, 96)], 10.0, leverage=20)
    r = records[0]
    assert r["exit_price"] == pytest.approx(95.0, rel=1e-12)
    assert r["forfeited"] == pytest.approx(5.0, rel=1e-9)
    assert (r["residual"], r["fee"], r["shortfall"]) == (0.0, 0.0, 0.0)
    assert e.positions[0]["size"] == 0.0


def test_gap_beyond_bankruptcy_costs_the_fund_and_not_the_wallet():
    e, records = run_one(make_rules(), [FLAT, (85, 86, 84, 85)], 10.0)
    r = records[0]
    assert r["mark_price"] == 85.0
    assert r["equity_before"] == pytest.approx(-50.0)
    assert r["shortfall"] == pytest.approx(50.0)
    assert r["insurance"] == pytest.approx(-50.0)
    assert e.pools[0]["equity"] == pytest.approx(10_000 - 100 - 0.5)


def test_short_mirrors_long():
    up = [FLAT, (100, 115, 100, 105)]
    down = [FLAT, (100, 100, 85, 95)]
    _, long = run_one(make_rules(), down, 10.0)
    _, short = run_one(make_rules(), up, -10.0)
    assert long["mark_price"][0] == pytest.approx(90 / 0.996)
    assert short["mark_price"][0] == pytest.approx(110 / 1.004)


def test_cross_pool_with_two_symbols_fails_on_the_joint_adverse_marks():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0)
    e.give(orders((0, 0, "SIZE", 40.0), (0, 1, "SIZE", -40.0)))
    e.feed(*bars([FLAT, (100, 101, 88, 100)], [FLAT, (100, 115, 99, 100)]))
    records = e.take("liquidations")
    assert money_is_conserved(e)
    assert steps_balance(records)
    assert len(records) >= 1
    first = records[0]
    assert first["scope"] == 1
    assert first["margin_ratio"] == pytest.approx(1.0, rel=1e-9)
    # both marks went the same share of their way: 12 down and 15 up
    assert first["mark_price"] > 100


def test_position_that_survives_the_low_is_not_touched():
    _, records = run_one(make_rules(), [FLAT, (100, 100, 90.4, 95)], 10.0)
    assert len(records) == 0


def test_records_past_the_buffer_are_not_lost():
    candles, events = [], []
    for k in range(900):
        candles += [FLAT, (100, 100, 85, 100)]
        events.append((2 * k, 0, "SIZE", 1.0))
    e = engine([make_rules()], cash=1e6)
    e.give(orders(*events))
    e.feed(*bars(candles))
    assert len(e.take("liquidations")) == 900
    assert len(e.take("fills")) == 1800
    assert money_is_conserved(e)


def test_block_size_changes_nothing():
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 400)))
    opens = np.r_[100, close[:-1]]
    candles = np.c_[opens, np.maximum(opens, close) * 1.01, np.minimum(opens, close) * 0.99, close]
    events = [(7 * k, 0, "EXPOSURE", 8.0 if k % 2 else -8.0) for k in range(57)]
    whole = play_in_blocks(candles, events, [400])
    for size in (1, 7, 133):
        assert play_in_blocks(candles, events, [size] * (400 // size) + [400 % size]) == whole


def play_in_blocks(candles, events, sizes):
    e = engine([make_rules()], on_liquidation=2)
    e.give(orders(*events))
    ts, prices, flags = bars(list(candles))
    done, kept = 0, []
    for size in sizes:
        part = slice(done, done + size)
        e.feed(ts[part].copy(), np.ascontiguousarray(prices[:, :, part]), flags[:, part].copy())
        kept += [e.take(kind).tobytes() for kind in ("liquidations", "fills", "trades", "equity")]
        done += size
    assert money_is_conserved(e)
    joined = [b"".join(kept[k::4]) for k in range(4)]
    return (*joined, e.pools.tobytes(), e.positions.tobytes())


def test_ladder_goes_down_until_a_row_cures_and_is_taken_over_when_none_does():
    # 20x on 300,000 leaves 15,000; an open at these marks leaves 500 or 60 of it
    for equity, tier_after in ((500.0, 1), (60.0, 0)):
        mark = 95.0 + equity / 3_000
        candles = [FLAT, (mark, mark, mark, mark)]
        _, records = run_one(make_rules(LADDER), candles, 3_000.0, cash=1e6, leverage=20)
        r = records[0]
        # the second row's limit of 250,000 needs 1,200; the first row's of 50,000 needs 200
        assert (r["tier_before"], r["tier_after"]) == (3, tier_after)
        assert len(records) == 1


def test_two_tiers_down_needs_equity_for_the_first_tiers_rate():
    tiers = ((0, 0.004, 100), (100, 0.005, 66), (500, 0.0075, 50), (1000, 0.0125, 40))
    # 1,200 units at about 95 need 457 at the first tier's rate
    for equity, closed in ((600.0, 700.0), (300.0, 1_200.0)):
        rules = make_rules(TWO_DOWN, tiers, tier_key=TierKey.SIZE, tier_rule=TierRule.FLAT)
        mark = 95.0 + equity / 1_200
        _, records = run_one(rules, [FLAT, (mark, mark, mark, mark)], 1_200.0, leverage=20)
        assert records["size_closed"][0] == pytest.approx(closed)


def test_step_beyond_a_margin_ratio_does_not_apply_exactly_at_it():
    # margin 312.50 less the loss of 250 from 125 to 100 is 62.50, of which 93.75 are one and a half
    rules = make_rules(FIFTHS, ((0, 0.09375, 5),), taker_fee=0.0)
    opening, gap = (125.0,) * 4, (100.0,) * 4
    _, records = run_one(rules, [opening, gap], 10.0, leverage=4)
    assert records["maintenance_margin"].tolist() == [93.75]
    assert records["equity_before"].tolist() == [62.5]
    assert records["rule_step"].tolist() == [2], "closed in the market and not taken over"


def test_process_that_closes_little_at_a_time_hands_the_rest_to_its_last_step():
    # 100 at a time of 1,000,000 would be thousands of steps
    slices = (
        step("FRACTION", "MARKET", "NONE", amount=0.1, at_most=100.0),
        step("ALL", "BANKRUPTCY", "NONE"),
    )
    rules = make_rules(slices, ((0, 0.05, 10),), taker_fee=0.0)
    gap = (90.0,) * 4  # nothing is left of the margin, so that no step cures
    e, records = run_one(rules, [FLAT, gap], 10_000.0, cash=1e6, leverage=10)
    assert records["rule_step"].tolist() == [0] * 2000 + [1]
    assert records["size_closed"][-1] == pytest.approx(10_000.0 - records["size_closed"][:-1].sum())
    assert e.positions["size"].tolist() == [0.0]
