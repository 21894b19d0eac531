"""Liquidations on real history, followed from the Parquet rows to the recorded amounts.

The arithmetic here is written out with the figures of the rulebook's sources and uses nothing of
the engine: fees, tiers and formulas are typed in.
"""

from math import ceil, floor

import pytest

import backtest as bt

from .rows import bars, only, stamp

pytestmark = pytest.mark.market_data
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
FEE_2022, FEE_2024 = 0.0004, 0.0005
CLEARANCE = 0.0125
EXACT = 1e-9


def replay(market_data, tmp_path, orders, **settings):
    """Run a list of (time, symbol, size) under Binance's rules."""
    path = tmp_path / "orders.csv"
    lines = [f"{time},{symbol},{size}" for time, symbol, size in orders]
    path.write_text("\n".join(["ts,symbol,size", *lines]), "utf-8")
    symbols = list(dict.fromkeys(symbol for _, symbol, _ in orders))
    return bt.run(
        orders=path, data=market_data, venues="binanceusdm", symbols=symbols,
        out=tmp_path / "result", **settings,
    )  # fmt: skip


class Average:
    """Mean of the last n closes, None until there are n."""

    def __init__(self, n):
        self.n, self.values = n, []

    def add(self, value):
        self.values = [*self.values, value][-self.n :]
        full = len(self.values) == self.n
        return sum(self.values) / self.n if full else None


def test_first_liquidation_of_the_moving_average_cross(market_data, tmp_path):
    """SMA cross, 5x exposure, 20x isolated: a short is liquidated on 2022-03-16 at 02:00."""
    result = bt.run(
        "strategies/sma_cross.py", data=market_data, venues="binanceusdm", symbols=BTC,
        since="2022-03-01", until="2022-03-17", exposure=5, leverage=20, out=tmp_path / "result",
    )  # fmt: skip
    got = only(result.liquidations)

    fast, slow = Average(50), Average(200)
    cash, size, entry, margin, target = 10_000.0, 0.0, 0.0, 0.0, None
    equity = last_close = None
    pending, found = None, None
    for bar in bars(market_data, BTC, "2022-03-01", "2022-03-17"):
        if size and bar.funding_rate is not None:
            margin -= size * bar.mark_open * bar.funding_rate
        if pending is not None:
            if size:
                fee = abs(size) * bar.open * FEE_2022
                cash += margin + size * (bar.open - entry) - fee
            wanted = floor(5 * equity / last_close * 1000 + 1e-9) / 1000
            size, entry = pending * wanted, bar.open
            fee = wanted * entry * FEE_2022
            margin = wanted * entry / 20 - fee
            cash -= wanted * entry / 20
            opened, pending = bar.time, None
        if size:
            # second tier of February 2022: 0.5 % from 50,000 USDT on, amount 50
            side = 1 if size > 0 else -1
            level = (size * entry - margin - 50) / (size - abs(size) * 0.005)
            reached = bar.mark_low <= level if side > 0 else bar.mark_high >= level
            if reached:
                found = (bar, level)
                break
        equity = cash + margin + size * (bar.mark_close - entry)
        averages, last_close = (fast.add(bar.close), slow.add(bar.close)), bar.close
        if averages[1] is not None:
            direction = 1 if averages[0] > averages[1] else -1
            pending = direction if direction != target else None
            target = direction

    bar, level = found
    assert bar.time == stamp("2022-03-16T02:00")
    assert opened == stamp("2022-03-11T19:00")
    assert (size, entry) == (-1.543, 38_618.1)
    assert 50_000 < abs(size) * level < 250_000
    left = margin + size * (level - entry)
    assert left == pytest.approx(abs(size) * level * 0.005 - 50, rel=1e-9)
    # 1.25 % of the position is more than what is left: the fee takes it all
    assert abs(size) * level * CLEARANCE > left
    assert got["ts"] == bar.time
    assert (got["side"], got["scope"], got["cause"]) == ("short", "position", "price")
    assert (got["tier_before"], got["tier_after"], got["bars_held"]) == (2, 0, 103)
    assert got["size_closed"] == pytest.approx(1.543, rel=EXACT)
    assert got["mark_price"] == pytest.approx(level, rel=EXACT)
    assert got["exit_price"] == pytest.approx(level, rel=EXACT)
    assert got["equity_before"] == pytest.approx(left, rel=1e-7)
    assert got["fee"] == got["insurance"] == got["equity_before"]
    assert (got["residual"], got["shortfall"], got["forfeited"]) == (0.0, 0.0, 0.0)
    assert not got["mark_is_proxy"]
    assert not got["rules_extrapolated"]
    booked = only(result.fills.filter(reason="liquidation"))
    assert booked["cash_after"] == pytest.approx(cash, rel=EXACT)


def test_funding_payment_that_liquidates(market_data, tmp_path):
    """2024-03-05: a 45x long survives the fall to 66,223.7 and then pays 0.083 % funding."""
    result = replay(
        market_data, tmp_path, [("2024-03-05T07:00", BTC, 0.3)],
        since="2024-03-05", until="2024-03-06", leverage=45,
    )  # fmt: skip
    first, second = bars(market_data, BTC, "2024-03-05T07:00", "2024-03-05T09:00")
    assert (first.open, second.mark_open) == (67_368.5, 66_223.7)
    assert second.funding_rate == 0.00082969

    margin = 0.3 * first.open / 45 - 0.3 * first.open * FEE_2024
    level = (0.3 * first.open - margin) / (0.3 * (1 - 0.004))
    assert level == pytest.approx(66_169.7856, abs=1e-4)
    assert first.mark_low > level
    assert second.mark_open > level
    paid = 0.3 * second.mark_open * second.funding_rate
    assert paid == pytest.approx(16.4835, abs=1e-4)
    after = margin - paid
    level = (0.3 * first.open - after) / (0.3 * (1 - 0.004))
    assert level == pytest.approx(66_224.9514, abs=1e-4)
    assert second.mark_open < level
    left = after + 0.3 * (second.mark_open - first.open)
    needed = 0.3 * second.mark_open * 0.004
    assert 0 < left < needed

    charged = only(result.funding)
    assert charged["amount"] == pytest.approx(paid, rel=EXACT)
    got = only(result.liquidations)
    assert (got["ts"], got["cause"]) == (stamp("2024-03-05T08:00"), "funding")
    assert got["mark_price"] == 66_223.7
    assert got["liquidation_price"] == pytest.approx(level, rel=EXACT)
    assert got["equity_before"] == pytest.approx(left, rel=EXACT)
    assert got["maintenance_margin"] == pytest.approx(needed, rel=EXACT)
    assert got["margin_ratio"] == pytest.approx(needed / left, rel=EXACT)
    assert got["fee"] == pytest.approx(left, rel=EXACT)
    assert got["residual"] == 0.0


def test_large_position_is_reduced_in_part_and_the_rest_lives_on(market_data, tmp_path):
    """2022-06-13: 2,500 BTC long at 4x in the 12.5 % tier is cut to a margin ratio of 0.9."""
    result = replay(
        market_data, tmp_path, [("2022-06-11T00:00", BTC, 2500)],
        since="2022-06-11", until="2022-06-14", leverage=4, cash=20_000_000,
    )  # fmt: skip
    history = bars(market_data, BTC, "2022-06-11", "2022-06-14")
    entry = history[0].open
    margin = 2500 * entry / 4 - 2500 * entry * FEE_2022
    hit = None
    for bar in history:
        if bar.funding_rate is not None and bar is not history[0]:
            margin -= 2500 * bar.mark_open * bar.funding_rate
        # brackets of May 2022: from 50 million on 12.5 %, amount 2,516,300
        level = (2500 * entry - margin - 2_516_300) / (2500 * (1 - 0.125))
        if bar.mark_low <= level:
            hit = bar
            break
    assert hit.time == stamp("2022-06-13T11:00")
    assert hit.mark_open > level
    assert 50_000_000 < 2500 * level < 100_000_000
    left = margin + 2500 * (level - entry)
    assert left == pytest.approx(2500 * level * 0.125 - 2_516_300, rel=EXACT)

    # the smallest number of lots after which 0.9 · equity covers the requirement
    #   (2500 − q)·level·0.125 − 2,516,300 = 0.9·(left − 0.0125·q·level)
    exact = (2500 * level * 0.125 - 2_516_300 - 0.9 * left) / (level * (0.125 - 0.9 * CLEARANCE))
    closed = ceil(exact * 1000) / 1000
    fee = closed * level * CLEARANCE

    got = result.liquidations.row(0, named=True)
    assert (got["ts"], got["scope"], got["cause"]) == (hit.time, "position", "price")
    assert (got["tier_before"], got["tier_after"]) == (7, 7)
    assert got["mark_price"] == pytest.approx(level, rel=EXACT)
    assert got["equity_before"] == pytest.approx(left, rel=EXACT)
    assert got["size_closed"] == pytest.approx(closed, rel=EXACT)
    assert got["fee"] == pytest.approx(fee, rel=EXACT)
    assert got["insurance"] == pytest.approx(fee, rel=EXACT)
    assert got["residual"] == pytest.approx(left - fee, rel=EXACT)
    kept = 2500 - closed
    needed = kept * level * 0.125 - 2_516_300
    assert needed / got["residual"] == pytest.approx(0.9, rel=1e-5)

    # the price falls on through the same hour: the rest has a new level, which is met as well
    margin += closed * (level - entry) - fee
    second = (kept * entry - margin - 2_516_300) / (kept * (1 - 0.125))
    assert hit.mark_low < second < level
    again = result.liquidations.row(1, named=True)
    assert again["ts"] == hit.time
    assert again["size_before"] == pytest.approx(kept, rel=EXACT)
    assert again["mark_price"] == pytest.approx(second, rel=EXACT)
    assert result.liquidations["tier_after"].min() > 0
    assert result.trades.filter(exit_reason="liquidation").height == 0


def test_cross_account_with_two_symbols(market_data, tmp_path):
    """2022-06-13: 3 BTC and 40 ETH long on one wallet fail together inside one hour."""
    result = replay(
        market_data, tmp_path,
        [("2022-06-11T00:00", BTC, 3), ("2022-06-11T00:00", ETH, 40)],
        since="2022-06-11", until="2022-06-14", leverage=20, cash=30_000, margin="cross",
        path="pessimistic", timeframe_detail="off",
    )  # fmt: skip
    btc = bars(market_data, BTC, "2022-06-11", "2022-06-14")
    eth = bars(market_data, ETH, "2022-06-11", "2022-06-14")
    b0, e0 = btc[0].open, eth[0].open
    wallet = 30_000 - (3 * b0 + 40 * e0) * FEE_2022

    def excess(b, e):
        """Equity less requirement: second tiers, BTC 0.5 % − 50, ETH 0.65 % − 15."""
        equity = wallet + 3 * (b - b0) + 40 * (e - e0)
        return equity - (3 * b * 0.005 - 50) - (40 * e * 0.0065 - 15)

    for b, e in zip(btc, eth, strict=True):
        if b is not btc[0]:
            wallet -= 3 * b.mark_open * (b.funding_rate or 0.0)
            wallet -= 40 * e.mark_open * (e.funding_rate or 0.0)
        if excess(b.mark_low, e.mark_low) <= 0:
            break
    assert b.time == stamp("2022-06-13T07:00")
    assert excess(b.mark_open, e.mark_open) > 0
    # both marks go the same share of their way from open to low; the excess is linear in it
    top, low = excess(b.mark_open, e.mark_open), excess(b.mark_low, e.mark_low)
    share = top / (top - low)
    at_b = b.mark_open + share * (b.mark_low - b.mark_open)
    at_e = e.mark_open + share * (e.mark_low - e.mark_open)
    assert 50_000 < 3 * at_b < 250_000
    assert 10_000 < 40 * at_e < 100_000
    left = wallet + 3 * (at_b - b0) + 40 * (at_e - e0)

    first, second = result.liquidations.iter_rows(named=True)
    assert [r["ts"] for r in (first, second)] == [b.time, b.time]
    assert (first["scope"], first["event"], second["event"]) == ("account", 1, 1)
    # the position with the larger requirement goes first, and its fee takes what is left
    assert (first["symbol"], second["symbol"]) == (BTC, ETH)
    assert first["mark_price"] == pytest.approx(at_b, rel=EXACT)
    assert second["mark_price"] == pytest.approx(at_e, rel=EXACT)
    assert first["equity_before"] == pytest.approx(left, rel=1e-8)
    assert first["maintenance_margin"] == pytest.approx(left, rel=1e-8)
    assert first["margin_ratio"] == pytest.approx(1.0, rel=1e-9)
    assert 3 * at_b * CLEARANCE > left
    assert first["fee"] == pytest.approx(left, rel=1e-8)
    assert second["fee"] == second["residual"] == 0.0
    assert second["equity_before"] == pytest.approx(0.0, abs=1e-6)
    assert result.manifest["accounts"][0]["totals"]["equity"] == pytest.approx(0.0, abs=1e-6)
