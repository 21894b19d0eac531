"""What an account does after a liquidation, at the end of its data, and between its targets."""

import numpy as np
import pytest

from backtest.core.state import OnLiquidation, Reason, Rejected
from backtest.core.types import HAS_MARK, HAS_TRADE, MARK_IS_PROXY, SEGMENT_END

from .accounts import HOUR, START, bars, engine, flag, make_rules, play, settle

FLAT = (100.0, 100.0, 100.0, 100.0)
CRASH = (100.0, 100.0, 85.0, 95.0)
GAP = (85.0, 86.0, 84.0, 85.0)


def test_stop_ends_the_account_and_closes_the_rest_at_that_close():
    e = engine([make_rules(), make_rules()], on_liquidation=OnLiquidation.STOP)
    r = play(
        e, bars([FLAT, CRASH, FLAT], [FLAT, (100, 103, 99, 102), FLAT]),
        (0, 0, "SIZE", 10.0), (0, 1, "SIZE", 5.0), (2, 0, "SIZE", 1.0),
    )  # fmt: skip
    assert e.stopped
    assert e.last_ts == START + HOUR
    assert not e.positions["size"].any()
    assert r["fills"]["reason"].tolist() == [
        Reason.SIGNAL, Reason.SIGNAL, Reason.LIQUIDATION, Reason.END,
    ]  # fmt: skip
    assert r["fills"]["price"][-1] == 102.0
    assert r["equity"]["ts"].tolist() == [START, START + HOUR]


def test_stop_at_an_open_fills_no_order_of_another_symbol():
    e = engine([make_rules(), make_rules()], on_liquidation=OnLiquidation.STOP)
    r = play(e, bars([FLAT, GAP], [FLAT, FLAT]), (0, 0, "SIZE", 10.0), (1, 1, "SIZE", 5.0))
    assert r["fills"]["size"].tolist() == [10.0, -10.0]


def test_the_last_sample_shows_how_a_stopped_account_ended():
    e = engine([make_rules()], on_liquidation=OnLiquidation.STOP)
    e._config["sample_ms"] = 100 * HOUR
    r = play(e, bars([FLAT, FLAT, CRASH, FLAT]), (0, 0, "SIZE", 10.0))
    assert r["equity"]["ts"].tolist() == [START, START + 2 * HOUR]
    assert r["equity"]["equity"][-1] == pytest.approx(10_000 - 100.5)


def test_partial_liquidation_does_not_stop():
    tiers = ((0, 0.004, 125), (50_000, 0.005, 100), (250_000, 0.01, 50), (1_000_000, 0.025, 20))
    e = engine([make_rules(tiers=tiers)], cash=1e6, leverage=20, on_liquidation=OnLiquidation.STOP)
    r = play(e, bars([FLAT, (100, 100, 96.5, 97)]), (0, 0, "SIZE", 20_000.0))
    assert len(r["liquidations"]) >= 1
    assert not e.stopped


def test_continue_trades_on_with_what_is_left():
    e = engine([make_rules()], on_liquidation=OnLiquidation.CONTINUE)
    r = play(e, bars([FLAT, CRASH, FLAT]), (0, 0, "SIZE", 10.0), (2, 0, "EXPOSURE", 1.0))
    assert not e.stopped
    assert r["fills"]["size"][-1] == pytest.approx(9_899.5 / 95, abs=1e-3)


def test_refill_restores_the_start_at_the_next_open_and_records_it():
    e = engine([make_rules()], cash=101.0, on_liquidation=OnLiquidation.REFILL)
    r = play(e, bars([FLAT, CRASH, FLAT, FLAT]), (0, 0, "SIZE", 10.0), (2, 0, "EXPOSURE", 5.0))
    assert r["deposits"]["ts"].tolist() == [START + 2 * HOUR]
    assert r["deposits"]["amount"].tolist() == pytest.approx([100.5])
    # the order for that open is sized with the new money
    assert r["fills"]["size"][-1] == pytest.approx(5 * 101 / 95, abs=1e-3)


def test_refill_waits_while_the_given_share_is_left():
    e = engine([make_rules()], cash=201.0, on_liquidation=OnLiquidation.REFILL, refill_below=0.4)
    r = play(e, bars([FLAT, CRASH, FLAT, FLAT]), (0, 0, "SIZE", 10.0))
    assert e.pools["equity"][0] == pytest.approx(100.5)
    assert len(r["deposits"]) == 0


def test_refill_also_follows_a_loss_without_liquidation():
    e = engine([make_rules()], cash=100.0, on_liquidation=OnLiquidation.REFILL, leverage=1)
    quiet = [(60.0, 60.0, 45.0, 45.0), (45.0, 45.0, 44.0, 44.0)]
    r = play(e, bars([(60.0,) * 4, *quiet, (60.0,) * 4]), (0, 0, "SIZE", 1.6))
    assert len(r["deposits"]) == 0
    e = engine([make_rules()], cash=100.0, on_liquidation=OnLiquidation.REFILL, leverage=1)
    low = [(60.0, 60.0, 25.0, 25.0), (25.0, 25.0, 24.0, 24.0)]
    r = play(e, bars([(60.0,) * 4, *low, (60.0,) * 4]), (0, 0, "SIZE", 1.6))
    assert r["deposits"]["ts"].tolist() == [START + 2 * HOUR]


def test_target_is_spent_by_a_liquidation_unless_it_is_to_be_entered_again():
    events = ((0, 0, "EXPOSURE", 5.0),)
    candles = [FLAT, CRASH, FLAT, FLAT, FLAT]
    once = play(engine([make_rules()]), bars(candles), *events)
    again = play(engine([make_rules()], reenter=True), bars(candles), *events)
    assert once["fills"]["reason"].tolist() == [Reason.SIGNAL, Reason.LIQUIDATION]
    assert again["fills"]["reason"].tolist() == [Reason.SIGNAL, Reason.LIQUIDATION, Reason.SIGNAL]
    assert again["fills"]["ts"][-1] == START + 2 * HOUR


RISE = [FLAT, (100, 110, 100, 110), (110, 110, 110, 110), (110, 110, 110, 110)]


def test_rebalance_always_follows_the_target_at_every_close():
    rules = make_rules(taker_fee=0.0)
    held = play(engine([rules]), bars(RISE), (0, 0, "EXPOSURE", 2.0))
    r = play(engine([rules], rebalance=0.0), bars(RISE), (0, 0, "EXPOSURE", 2.0))
    assert len(held["fills"]) == 1
    # at the close of 110 equity is 12,000
    assert r["fills"]["ts"].tolist() == [START, START + 2 * HOUR]
    assert r["fills"]["size"][1] == pytest.approx(2 * 12_000 / 110 - 200, abs=1e-3)


@pytest.mark.parametrize(("share", "fills"), [(0.99, 2), (1.01, 1)])
def test_rebalance_band_lets_small_drift_be(share, fills):
    drift = 2.0 - 200 * 110 / 12_000
    e = engine([make_rules(taker_fee=0.0)], rebalance=drift * share)
    r = play(e, bars(RISE), (0, 0, "EXPOSURE", 2.0))
    assert len(r["fills"]) == fills


def test_rebalance_below_the_minimum_order_is_not_sent():
    rules = make_rules(taker_fee=0.0, min_size=50.0)
    r = play(engine([rules], rebalance=0.0), bars(RISE), (0, 0, "EXPOSURE", 2.0))
    assert len(r["fills"]) == 1
    assert len(r["rejections"]) == 0


def test_segment_end_closes_at_the_last_close_and_drops_what_waits():
    block = flag(bars([FLAT, (100, 104, 99, 103), FLAT]), 1, HAS_TRADE | HAS_MARK | SEGMENT_END)
    e = engine([make_rules()])
    r = play(e, block, (0, 0, "SIZE", 10.0))
    assert r["fills"]["price"].tolist() == [100.0, 103.0]
    assert r["fills"]["reason"].tolist() == [Reason.SIGNAL, Reason.END]
    assert r["trades"]["exit_reason"].tolist() == [Reason.END]
    assert e.positions["size"][0] == 0.0


def test_order_that_waits_at_a_segment_end_is_refused_and_recorded():
    block = bars([FLAT, (100, 104, 99, 103), FLAT])
    block = flag(block, 1, HAS_MARK | SEGMENT_END)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0), (1, 0, "SIZE", 5.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.SEGMENT_ENDED]
    # without a trade candle the position leaves at the mark
    assert r["fills"]["price"].tolist() == [100.0, 103.0]


def test_finish_writes_the_open_trade_and_changes_nothing():
    e = engine([make_rules()])
    play(e, bars([FLAT, (100, 106, 99, 105)]), (0, 0, "SIZE", 10.0))
    before = e._carried.copy()
    e.finish()
    trades = e.take("trades")
    assert trades["pnl"].tolist() == pytest.approx([50 - 0.5])
    assert trades["exit_reason"].tolist() == [Reason.END]
    assert (trades["mae"][0], trades["mfe"][0]) == (pytest.approx(-0.01), pytest.approx(0.06))
    assert np.array_equal(before, e._carried)


def test_trade_counts_fees_and_funding():
    block = settle(bars([FLAT, FLAT, FLAT]), 1, 0.001)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 10.0), (2, 0, "SIZE", -10.0))
    t = r["trades"][0]
    assert (t["fees"], t["funding"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert t["pnl"] == pytest.approx(-2.0)
    assert t["bars_held"] == 2


@pytest.mark.parametrize("name", ["ts", "prices", "flags"])
def test_block_of_another_type_is_refused(name):
    e = engine([make_rules()])
    block = dict(zip(("ts", "prices", "flags"), bars([FLAT, FLAT]), strict=True))
    block[name] = block[name].astype(np.float32)
    with pytest.raises(ValueError, match=f"{name} of a block is float32"):
        e.load(**block)


def test_bars_outside_the_block_are_refused():
    e = engine([make_rules()])
    e.load(*bars([FLAT, FLAT]))
    with pytest.raises(ValueError, match="bars 0 to 3 of a block of 2"):
        e.run(0, 3)


def test_account_is_saved_only_when_its_records_are_taken():
    e = engine([make_rules()])
    e.give(np.zeros(0, e._orders.dtype))
    e.feed(*bars([FLAT]))
    with pytest.raises(ValueError, match="take all records"):
        e.save()


def test_sample_keeps_the_lowest_close_since_the_one_before():
    e = engine([make_rules(taker_fee=0.0)], leverage=1)
    e._config["sample_ms"] = 4 * HOUR
    candles = [FLAT, FLAT, (100, 100, 60, 70), (70, 100, 70, 90), FLAT, FLAT, FLAT, FLAT, FLAT]
    r = play(e, bars(candles), (0, 0, "SIZE", 10.0))
    assert r["equity"]["equity"].tolist() == pytest.approx([10_000.0, 9_900.0, 10_000.0])
    assert r["equity"]["equity_low"].tolist() == pytest.approx([10_000.0, 9_700.0, 10_000.0])


def test_samples_say_where_trade_stood_in_for_the_mark():
    e = engine([make_rules()])
    block = bars([(100.0,) * 4] * 3)
    flag(block, 1, HAS_TRADE | HAS_MARK | MARK_IS_PROXY)
    r = play(e, block, (0, 0, "SIZE", 1.0))
    assert r["margin"]["mark_is_proxy"].tolist() == [0, 1, 0]
    assert r["margin"]["ts"].tolist() == [START, START + HOUR, START + 2 * HOUR]
