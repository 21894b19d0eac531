"""Orders: sizing, refusals, reductions, flips, and orders that find no market."""

import numpy as np
import pytest

from backtest.core.contracts import round_down, round_up
from backtest.core.state import Reason, Rejected
from backtest.core.types import HAS_MARK, IsolatedOpen

from .accounts import HOUR, START, bars, engine, flag, make_rules, play

FLAT = (100.0, 100.0, 100.0, 100.0)
NONE = (np.nan,) * 4


def test_target_is_sized_by_the_close_before_and_filled_at_the_open():
    e = engine([make_rules()])
    r = play(e, bars([FLAT, (110, 110, 110, 110)]), (1, 0, "EXPOSURE", 2.0))
    assert r["fills"]["size"].tolist() == pytest.approx([200.0])
    assert r["fills"]["price"].tolist() == [110.0]


def test_order_before_the_first_bar_fills_at_its_open():
    r = play(engine([make_rules()]), bars([FLAT, FLAT]), (-7, 0, "EXPOSURE", 2.0))
    assert r["fills"]["ts"].tolist() == [START]
    assert r["fills"]["size"].tolist() == pytest.approx([200.0])


def test_order_after_the_last_bar_is_kept_for_the_next_block():
    e = engine([make_rules()])
    r = play(e, bars([FLAT, FLAT]), (2, 0, "SIZE", 1.0))
    assert len(r["fills"]) == len(r["rejections"]) == 0
    e.feed(*bars([FLAT], ts=[START + 2 * HOUR]))
    assert e.take("fills")["size"].tolist() == [1.0]


def test_target_on_a_symbol_without_data_waits_and_is_sized_at_its_first_open():
    e = engine([make_rules(), make_rules()])
    block = bars([FLAT] * 3, [NONE, NONE, (50.0,) * 4])
    for bar in (0, 1):
        block = flag(block, bar, 0, symbol=1)
    r = play(e, block, (0, 1, "EXPOSURE", 2.0))
    assert r["fills"]["ts"].tolist() == [START + 2 * HOUR]
    assert r["fills"]["size"].tolist() == pytest.approx([400.0])


def test_target_of_zero_without_data_is_no_order():
    e = engine([make_rules()])
    r = play(e, flag(bars([NONE, FLAT]), 0, 0), (0, 0, "EXPOSURE", 0.0))
    assert len(r["fills"]) == len(r["rejections"]) == 0
    assert e._state["waiting"][0] == 0


def test_target_without_equity_is_refused_and_recorded():
    e = engine([make_rules()], cash=100.0)
    r = play(
        e, bars([FLAT, (100, 100, 70, 70), FLAT]),
        (0, 0, "SIZE", 9.95), (2, 0, "EXPOSURE", 3.0),
    )  # fmt: skip
    assert e.pools["equity"][0] < 0.1
    assert r["rejections"]["reason"].tolist() == [Rejected.BELOW_MINIMUM]
    assert e.positions["size"][0] == 0.0


def test_target_with_an_equity_of_nothing_at_all_is_refused():
    r = play(engine([make_rules()], cash=0.0), bars([FLAT]), (0, 0, "EXPOSURE", 3.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.BELOW_MINIMUM]


def test_size_without_money_is_refused_for_margin():
    r = play(engine([make_rules()], cash=50.0), bars([FLAT]), (0, 0, "SIZE", 10.0))
    one = r["rejections"][0]
    assert one["reason"] == Rejected.INSUFFICIENT_MARGIN
    assert (one["required"], one["available"]) == (pytest.approx(100.5), 50.0)


def test_size_under_the_lot_is_refused_and_the_waiting_order_kept():
    block = flag(bars([FLAT, FLAT, FLAT]), 0, HAS_MARK)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 1.0), (1, 0, "SIZE", 0.0004))
    assert r["rejections"]["reason"].tolist() == [Rejected.BELOW_MINIMUM]
    assert r["fills"]["size"].tolist() == [1.0]


def test_opposite_sizes_for_one_open_cancel_out():
    r = play(engine([make_rules()]), bars([FLAT]), (0, 0, "SIZE", 1.0), (0, 0, "SIZE", -1.0))
    assert len(r["fills"]) == 0


def test_opening_below_the_venues_minimum_is_refused_and_closing_never():
    rules = make_rules(min_size=1.0, min_notional=100.0)
    e = engine([rules])
    r = play(
        e, bars([FLAT] * 3),
        (0, 0, "SIZE", 0.5), (1, 0, "SIZE", 2.0), (2, 0, "SIZE", -0.4),
    )  # fmt: skip
    assert r["rejections"]["reason"].tolist() == [Rejected.BELOW_MINIMUM]
    assert r["fills"]["size"].tolist() == [2.0, -0.4]


def test_notional_over_what_the_leverage_allows_is_refused():
    e = engine([make_rules()], cash=1e6, leverage=50)
    r = play(e, bars([FLAT] * 2), (0, 0, "SIZE", 10_000.0), (1, 0, "SIZE", 1.0))
    # 50x is allowed up to one million
    assert r["fills"]["size"].tolist() == [10_000.0]
    assert r["rejections"]["reason"].tolist() == [Rejected.MAX_LEVERAGE]
    assert r["rejections"]["required"][0] == pytest.approx(1_000_100.0)
    assert r["rejections"]["available"][0] == pytest.approx(1_000_000.0)


@pytest.mark.parametrize(
    ("complete", "reason"), [(1, Rejected.POSITION_LIMIT), (0, Rejected.TIERS_UNKNOWN)]
)
def test_notional_beyond_the_table_says_whether_the_table_is_known(complete, reason):
    rules = make_rules(tiers_complete=complete)
    r = play(engine([rules], cash=1e7), bars([FLAT]), (0, 0, "SIZE", 100_001.0))
    assert r["rejections"]["reason"].tolist() == [reason]


def test_leverage_that_no_tier_allows_is_refused():
    r = play(engine([make_rules()], leverage=200), bars([FLAT]), (0, 0, "SIZE", 1.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.MAX_LEVERAGE]


def test_whole_wallet_can_be_put_into_one_isolated_position():
    e = engine([make_rules(taker_fee=0.0, min_notional=0.0)], cash=0.7, leverage=3)
    r = play(e, bars([(0.1,) * 4] * 2), (1, 0, "EXPOSURE", 3.0))
    assert r["fills"]["size"].tolist() == [pytest.approx(21.0)]
    assert e.pools["cash"][0] >= 0.0


def test_reduction_releases_margin_in_proportion_and_realises_pnl():
    e = engine([make_rules()])
    play(e, bars([FLAT, (104.0,) * 4]), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -4.0))
    p, pool = e.positions[0], e.pools[0]
    assert p["margin"] == pytest.approx(60.0)
    assert pool["realized"] == pytest.approx(16.0)
    assert pool["cash"] == pytest.approx(10_000 - 100 - 0.5 + 40 + 16 - 4 * 104 * 0.0005)
    assert p["entry"] == 100.0


def test_adding_averages_the_entry_and_moves_the_level():
    e = engine([make_rules()])
    play(e, bars([FLAT, (104.0,) * 4]), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", 10.0))
    p = e.positions[0]
    assert p["entry"] == pytest.approx(102.0)
    assert p["margin"] == pytest.approx(204.0)
    assert p["level"] == pytest.approx((102 - 10.2) / 0.996, rel=1e-12)


def test_flip_closes_and_opens_at_one_price():
    e = engine([make_rules()])
    r = play(e, bars([FLAT, (104.0,) * 4]), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -25.0))
    assert r["fills"]["size"].tolist() == [10.0, -10.0, -15.0]
    assert r["trades"]["pnl"][0] == pytest.approx(40 - 0.5 - 0.52)
    assert e.positions["size"][0] == -15.0
    assert e.positions["entry"][0] == 104.0


def test_flip_whose_opening_is_refused_still_closes():
    e = engine([make_rules()], cash=110.0)
    r = play(e, bars([FLAT, FLAT]), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -30.0))
    assert r["fills"]["size"].tolist() == [10.0, -10.0]
    assert r["rejections"]["reason"].tolist() == [Rejected.INSUFFICIENT_MARGIN]
    assert e.positions["size"][0] == 0.0


def test_sums_of_lots_close_exactly():
    rules = make_rules(lot=0.1, min_size=0.1)
    e = engine([rules])
    r = play(
        e, bars([FLAT] * 3), (0, 0, "SIZE", 0.1), (1, 0, "SIZE", 0.2), (2, 0, "SIZE", -0.3)
    )  # fmt: skip
    assert e.positions["size"][0] == e.positions["margin"][0] == 0.0
    assert len(r["trades"]) == 1
    assert e.pools["open"][0] == 0


def test_dust_of_many_fills_is_closed_with_the_rest():
    rules = make_rules(lot=0.1, min_size=0.1)
    e = engine([rules], cash=1e9)
    events = [(0, 0, "SIZE", 90_000.3), (1, 0, "SIZE", -90_000.0), (2, 0, "SIZE", -0.3)]
    r = play(e, bars([FLAT] * 3), *events)
    assert e.positions["size"][0] == 0.0
    assert len(r["trades"]) == 1
    assert len(r["rejections"]) == 0


def test_lot_that_grew_does_not_strand_a_rest():
    small, large = make_rules(), make_rules(lot=1.0, min_size=1.0)
    rules = np.concatenate([small, large])
    rules["valid_to"][0] = rules["valid_from"][1] = START + HOUR
    e = engine([rules])
    r = play(e, bars([FLAT] * 2), (0, 0, "SIZE", 3.3), (1, 0, "SIZE", -3.0))
    assert r["fills"]["size"].tolist() == pytest.approx([3.3, -3.3])
    assert e.positions["size"][0] == 0.0


def test_orders_with_prices_fill_one_by_one_where_the_bar_traded():
    e = engine([make_rules()])
    r = play(
        e, bars([(100, 106, 94, 100)]),
        (0, 0, "SIZE", 10.0, 95.0), (0, 0, "SIZE", -10.0, 105.0), (0, 0, "SIZE", 1.0, 107.0),
    )  # fmt: skip
    assert r["fills"]["price"].tolist() == [95.0, 105.0]
    assert r["rejections"]["reason"].tolist() == [Rejected.PRICE_NOT_TRADED]
    assert e.pools["realized"][0] == pytest.approx(100.0)


def test_position_opened_at_its_own_price_is_watched_when_a_target_follows():
    # the target equals what is held, so that it leaves no order
    e = engine([make_rules()])
    r = play(
        e, bars([FLAT, (100, 100, 98, 100), (100, 100, 85, 95)]),
        (1, 0, "SIZE", 100.0, 99.0), (1, 0, "EXPOSURE", 1.0),
    )  # fmt: skip
    assert len(r["liquidations"]) == 1
    assert r["liquidations"]["mark_price"][0] == pytest.approx(0.9 * 99 / 0.996, rel=1e-12)


def test_price_without_a_trade_candle_does_not_join_a_market_order():
    block = flag(bars([FLAT, FLAT]), 0, HAS_MARK)
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 1.0), (0, 0, "SIZE", 2.0, 100.0))
    assert r["fills"]["size"].tolist() == [1.0]
    assert r["rejections"]["size"].tolist() == [2.0]
    r = play(engine([make_rules()]), block, (0, 0, "SIZE", 2.0, 100.0), (0, 0, "SIZE", 1.0))
    assert r["fills"]["size"].tolist() == [1.0]
    assert r["rejections"]["size"].tolist() == [2.0]


def test_slippage_makes_both_sides_worse_and_is_recorded():
    e = engine([make_rules()], slippage=0.001)
    r = play(e, bars([FLAT] * 2), (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -10.0))
    assert r["fills"]["price"].tolist() == pytest.approx([100.1, 99.9])
    assert r["fills"]["slippage"].tolist() == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(
    ("way", "margin", "cash"),
    [
        (IsolatedOpen.NOTIONAL_OVER_LEVERAGE, 100.0, 9_899.5),
        (IsolatedOpen.MINUS_OPENING_FEE, 99.5, 9_900.0),
        (IsolatedOpen.PLUS_CLOSING_FEE, 100.45, 9_899.05),
    ],
)
def test_margin_at_the_opening_follows_the_venues_way(way, margin, cash):
    e = engine([make_rules(isolated_open=way)])
    play(e, bars([FLAT]), (0, 0, "SIZE", 10.0))
    assert e.positions["margin"][0] == pytest.approx(margin)
    assert e.pools["cash"][0] == pytest.approx(cash)


def test_cross_order_needs_initial_margin_of_the_whole_pool():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0)
    r = play(e, bars([FLAT, FLAT], [FLAT, FLAT]), (0, 0, "SIZE", 60.0), (1, 1, "SIZE", 41.0))
    one = r["rejections"][0]
    assert one["reason"] == Rejected.INSUFFICIENT_MARGIN
    assert one["required"] == pytest.approx(1_010.0)
    assert one["available"] == pytest.approx(1_000 - 3 - 2.05)


def test_loss_beyond_the_wallet_at_an_ordinary_close_is_covered():
    # the mark holds while trade falls: closing realises more than all there is
    e = engine([make_rules()], cash=101.0)
    block = bars([FLAT, (85.0,) * 4])
    block[1][4:8, 0, 1] = 100.0
    r = play(e, block, (0, 0, "SIZE", 10.0), (1, 0, "SIZE", -10.0))
    assert e.pools["equity"][0] == 0.0
    assert r["fills"]["shortfall"][1] == pytest.approx(150.0 - 100.5 + 0.425)
    assert r["fills"]["reason"].tolist() == [Reason.SIGNAL] * 2


@pytest.mark.parametrize(("size", "lot"), [(105_588.32 * 0.2, 0.0001), (2_600.0, 0.0001)])
def test_rounding_up_a_multiple_of_a_small_lot_gives_itself(size, lot):
    for nearly in (size, size * (1 + 2e-16), size * (1 - 2e-16)):
        assert round_up(nearly, lot) == pytest.approx(size, rel=1e-15)
        assert round_down(nearly, lot) == pytest.approx(size, rel=1e-15)


def test_order_of_more_lots_than_an_integer_holds_is_refused_for_what_it_needs():
    r = play(engine([make_rules()]), bars([FLAT]), (0, 0, "SIZE", 1e20))
    assert r["rejections"]["size"].tolist() == pytest.approx([1e20])
    assert r["rejections"]["reason"].tolist() == [Rejected.POSITION_LIMIT]
    assert round_down(-1e20, 0.001) == pytest.approx(-1e20)
