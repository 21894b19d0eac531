"""Cross pools: what their positions share, and what different pools do not."""

from math import isnan

import pytest

from backtest.core.state import UNPRICED, OnLiquidation
from backtest.core.types import HAS_TRADE, Trigger

from .accounts import FIFTHS, LADDER, START, TWO_DOWN, bars, engine, flag, make_rules, play

FLAT = (100.0, 100.0, 100.0, 100.0)
ONE_TIER = ((0, 0.0125, 40),)


def test_profit_of_one_position_keeps_another_alive():
    down, up = (100.0, 100.0, 87.0, 88.0), (100.0, 112.0, 100.0, 112.0)
    # alone the loss of 12 on 80 units would use up the wallet
    alone = engine([make_rules()], mode="CROSS", cash=1_000.0)
    r = play(alone, bars([FLAT, (100.0, 100.0, 87.0, 87.0)]), (0, 0, "SIZE", 80.0))
    assert len(r["liquidations"]) == 1
    both = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0, leverage=20)
    # the second moves up first: its gain is in the mark when the first falls
    candles = [[FLAT, FLAT, down], [FLAT, up, (112.0,) * 4]]
    r = play(both, bars(*candles), (0, 0, "SIZE", 80.0), (0, 1, "SIZE", 80.0))
    assert len(r["liquidations"]) == 0


def test_sign_of_a_shorts_profit_counts_in_the_pool():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0, leverage=20)
    candles = [[FLAT, FLAT, (100.0, 100.0, 87.0, 88.0)], [FLAT, (100, 100, 88, 88), (88.0,) * 4]]
    r = play(e, bars(*candles), (0, 0, "SIZE", 80.0), (0, 1, "SIZE", -80.0))
    assert len(r["liquidations"]) == 0
    assert r["equity"]["equity"][1] == pytest.approx(1_000 - 8 + 960)


def test_pools_of_two_assets_do_not_help_each_other():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0, pools=[0, 1])
    candles = [[FLAT, (100.0, 100.0, 80.0, 80.0)], [FLAT, (100.0, 120.0, 100.0, 120.0)]]
    r = play(e, bars(*candles), (0, 0, "SIZE", 80.0), (0, 1, "SIZE", 80.0))
    assert r["liquidations"]["symbol"].tolist() == [0]
    assert e.pools["equity"][0] == pytest.approx(0.0, abs=1e-9)
    assert e.pools["equity"][1] == pytest.approx(1_000 - 4 + 1_600)


def test_isolated_losses_stay_in_the_bucket_of_two_symbols_of_one_asset():
    e = engine([make_rules(), make_rules()])
    candles = [[FLAT, (100.0, 100.0, 80.0, 80.0)], [FLAT, (100.0, 105.0, 100.0, 105.0)]]
    play(e, bars(*candles), (0, 0, "SIZE", 10.0), (0, 1, "SIZE", 10.0))
    assert e.pools["equity"][0] == pytest.approx(10_000 - 100 - 1 + 50)
    assert e.positions["size"].tolist() == [0.0, 10.0]


def test_symbol_without_mark_in_the_bar_is_valued_where_it_was():
    e = engine([make_rules(), make_rules()], mode="CROSS", cash=1_000.0, leverage=20)
    block = bars([FLAT, (100.0, 100.0, 92.0, 93.0)], [FLAT, (50.0, 50.0, 50.0, 50.0)])
    block = flag(block, 1, 0, symbol=1)
    r = play(e, block, (0, 0, "SIZE", 80.0), (0, 1, "SIZE", 80.0))
    assert len(r["liquidations"]) == 0
    assert r["equity"]["equity"][1] == pytest.approx(1_000 - 8 - 560)
    assert HAS_TRADE & block[2][1, 1] == 0


def test_joint_fall_meets_the_requirement_at_one_share_of_the_way():
    e = engine([make_rules(tiers=ONE_TIER), make_rules(tiers=ONE_TIER)], mode="CROSS", cash=1_000.0)
    lows = (80.0, 90.0)
    candles = [[FLAT, (100.0, 100.0, low, 100.0)] for low in lows]
    r = play(e, bars(*candles), (0, 0, "SIZE", 40.0), (0, 1, "SIZE", 40.0))
    one = r["liquidations"][0]
    # 996 - 800 x - 400 x = 0.0125 (8000 - 1200 x)
    share = (996 - 100) / (1_200 - 15)
    assert one["mark_price"] == pytest.approx(100 - (20 if one["symbol"] == 0 else 10) * share)
    assert one["equity_before"] == pytest.approx(0.0125 * (8_000 - 1_200 * share), rel=1e-9)


@pytest.mark.parametrize("steps", [LADDER, TWO_DOWN])
def test_takeover_of_a_whole_pool_leaves_nothing(steps):
    made = make_rules(steps, ONE_TIER, bankruptcy_fee=1)
    e = engine([made, made], mode="CROSS", cash=1_000.0)
    crash = (100.0, 100.0, 70.0, 75.0)
    r = play(e, bars([FLAT, crash], [FLAT, crash]), (0, 0, "SIZE", 40.0), (0, 1, "SIZE", 40.0))
    assert r["liquidations"]["size_closed"].tolist() == [40.0, 40.0]
    assert r["liquidations"]["event"].tolist() == [1, 1], "one event: the rest was not cured"
    # what is left of the pool is forfeited in equal parts, as the requirements are equal
    assert r["liquidations"]["forfeited"][0] == pytest.approx(r["liquidations"]["forfeited"][1])
    assert e.pools["equity"][0] == pytest.approx(0.0, abs=1e-9)


def test_largest_requirement_goes_first_and_the_rest_stays_when_cured():
    made = make_rules(tiers=ONE_TIER)
    e = engine([made, made], mode="CROSS", cash=1_000.0)
    fall = (100.0, 100.0, 89.2, 90.0)
    r = play(e, bars([FLAT, fall], [FLAT, FLAT]), (0, 0, "SIZE", 85.0), (0, 1, "SIZE", 5.0))
    assert r["liquidations"]["symbol"].tolist()[0] == 0
    assert e.pools["equity"][0] >= 0.0


def test_every_further_market_order_within_the_wait_is_for_the_whole_position():
    made = make_rules(FIFTHS, ONE_TIER, trigger=Trigger.BELOW)
    e = engine([made, made], cash=1e6, leverage=20)
    fall = (100.0, 100.0, 96.0, 97.0)
    r = play(e, bars([FLAT, fall], [FLAT, fall]), (0, 0, "SIZE", 5_000.0), (0, 1, "SIZE", 5_000.0))
    # the first position loses a fifth; the wait of the account then takes the second whole
    assert r["liquidations"]["size_closed"].tolist() == pytest.approx([1_000.0, 5_000.0])


def test_a_later_fifth_after_the_wait_is_a_fifth_again():
    made = make_rules(FIFTHS, ONE_TIER, trigger=Trigger.BELOW)
    e = engine([made], cash=1e6, leverage=20)
    candles = [FLAT, (100, 100, 96.0, 97), (97, 97, 95.8, 96)]
    r = play(e, bars(candles), (0, 0, "SIZE", 5_000.0))
    assert r["liquidations"]["size_closed"].tolist() == pytest.approx([1_000.0, 800.0])
    assert r["liquidations"]["ts"].tolist() == [START + 3_600_000, START + 7_200_000]


def test_a_full_market_order_does_not_end_the_wait_of_others():
    made = make_rules(FIFTHS, ONE_TIER, trigger=Trigger.BELOW)
    small = (0, 1, "SIZE", 100.0)
    e = engine([made] * 3, cash=1e6, leverage=20)
    fall = (100.0, 100.0, 96.0, 97.0)
    r = play(
        e, bars(*[[FLAT, fall]] * 3), (0, 0, "SIZE", 5_000.0), small, (0, 2, "SIZE", 5_000.0)
    )  # fmt: skip
    assert r["liquidations"]["size_closed"].tolist() == pytest.approx([1_000.0, 100.0, 5_000.0])


INVERSE = {"inverse": 1, "lot": 1.0, "min_size": 1.0, "min_notional": 0.0, "cap": 1e6}


def coin_account(priced_by=0, start_usd=0.0, **settings):
    """A coin on an inverse symbol of which the run knows what `priced_by` says."""
    e = engine([make_rules(tiers=((0, 0.004, 125),), **INVERSE)], cash=1.0, **settings)
    e.price_pool(0, priced_by, start_usd)
    return e


def test_every_record_of_a_coin_account_has_the_coins_price_in_dollars():
    r = play(coin_account(), bars([FLAT, (100.0, 100.0, 50.0, 80.0)]), (0, 0, "SIZE", 500.0))
    (step,) = r["liquidations"]
    assert step["usd_price"] == step["mark_price"] < 100.0
    assert r["fills"]["usd_price"].tolist() == [100.0, step["mark_price"]]
    assert r["equity"]["equity_usd"].tolist() == [r["equity"]["equity"][0] * 100.0,
                                                  r["equity"]["equity"][1] * 80.0]  # fmt: skip


def test_a_coin_that_nothing_prices_has_no_price_in_dollars():
    r = play(coin_account(UNPRICED), bars([FLAT, FLAT]), (0, 0, "SIZE", 500.0))
    assert isnan(r["equity"]["equity_usd"][0])
    assert isnan(r["fills"]["usd_price"][0])


def test_a_refill_of_coin_buys_what_the_first_dollars_buy_now():
    fall = [FLAT, (100.0, 100.0, 50.0, 50.0), (50.0,) * 4]
    settings = {"on_liquidation": OnLiquidation.REFILL, "refill_below": 0.9, "leverage": 20}
    dollars = coin_account(start_usd=100.0, **settings)
    (deposit,) = play(dollars, bars(fall), (0, 0, "SIZE", 500.0))["deposits"]
    left = dollars.pools["equity"][0] - deposit["amount"]
    # 100 dollars bought one coin and buy two now
    assert deposit["amount"] == pytest.approx(2.0 - left)
    assert deposit["usd_price"] == 50.0
    assert dollars.pools["start"][0] == 2.0
    coins = coin_account(**settings)
    (deposit,) = play(coins, bars(fall), (0, 0, "SIZE", 500.0))["deposits"]
    assert deposit["amount"] == pytest.approx(1.0 - left)
