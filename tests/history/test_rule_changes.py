"""One run across a change of rules uses each rule in its time, followed by hand on real prices.

Figures of the rulebooks are typed in; nothing of the engine is used. BitMEX and Deribit have no
prices in the store and run on Binance's.
"""

import polars as pl
import pytest

import backtest as bt

from .rows import bars, only, stamp

pytestmark = pytest.mark.market_data
BTC, ETH, XBT, ETH_QUANTO = "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USD:BTC", "ETH/USD:BTC"
EXACT = 1e-9


@pytest.fixture
def replay(market_data, tmp_path):
    """Runs a list of (time, symbol, size) under one venue's rules."""

    def run(venue, orders, **settings):
        path = tmp_path / "orders.csv"
        lines = [f"{time},{symbol},{size}" for time, symbol, size in orders]
        path.write_text("\n".join(["ts,symbol,size", *lines]), "utf-8")
        symbols = list(dict.fromkeys(symbol for _, symbol, _ in orders))
        return bt.run(
            orders=path, data=market_data, venues=venue, symbols=symbols, force=True,
            out=tmp_path / "result", **settings,
        )  # fmt: skip

    return run


def row_at(frame, time):
    return only(frame.filter(pl.col("ts") == stamp(time)))


def own_prices(market_data, venue, kind, time):
    path = market_data / venue / "BTC_USDT_USDT" / kind / "1h.parquet"
    return row_at(pl.read_parquet(path), time)


def test_bybit_moves_from_entry_to_mark_on_2025_10_15(replay, market_data):
    """20x long of one coin: until the 15th 0.5 % of the entry value, then of the mark value."""
    result = replay(
        "bybit", [("2025-10-14T23:00", BTC, 1)],
        leverage=20, since="2025-10-14T12:00", until="2025-10-18",
    )  # fmt: skip
    entry = own_prices(market_data, "bybit", "trade", "2025-10-14T23:00")["open"]
    # closing fee at the price where 1/20 is used up: in the margin and in the requirement
    fee = entry * (1 - 1 / 20) * 0.00055
    margin = entry / 20 + fee

    before = row_at(result.margin, "2025-10-14T23:00")
    assert before["isolated_margin"] == pytest.approx(margin, rel=EXACT)
    assert before["maintenance_margin"] == pytest.approx(0.005 * entry + fee, rel=EXACT)
    # margin + P&L = 0.005·entry + fee
    at_entry = entry - entry / 20 + 0.005 * entry
    assert before["liquidation_price"] == pytest.approx(at_entry, rel=EXACT)

    after = row_at(result.margin, "2025-10-15T00:00")
    close = own_prices(market_data, "bybit", "mark", "2025-10-15T00:00")["close"]
    assert after["maintenance_margin"] == pytest.approx(0.005 * close + fee, rel=EXACT)
    # margin + P&L = 0.005·mark + fee
    at_mark = (entry - entry / 20) / (1 - 0.005)
    assert after["liquidation_price"] == pytest.approx(at_mark, rel=EXACT)

    # no rate changes, and a long gets 26 dollars more room: both levels lie in this hour
    hit = own_prices(market_data, "bybit", "mark", "2025-10-16T16:00")
    assert hit["low"] < at_mark < at_entry < hit["open"]
    got = only(result.liquidations)
    assert (got["ts"], got["cause"]) == (stamp("2025-10-16T16:00"), "price")
    assert got["mark_price"] == pytest.approx(at_mark, rel=EXACT)
    assert got["forfeited"] == pytest.approx(margin - fee + at_mark - entry, rel=1e-7)
    assert got["fee"] == pytest.approx(fee, rel=1e-7)


def test_bitmex_lowers_the_rate_of_cross_positions_twice_in_2020(replay, market_data):
    """0.5 % until 17 April 01:00, 0.45 % until 5 May 02:00, then 0.4 % of the entry value."""
    result = replay(
        "bitmex", [("2020-04-16T12:00", XBT, 70_000)], prices="binanceusdm", margin="cross",
        cash=5, cash_in="settle", since="2020-04-16", until="2020-05-06",
    )  # fmt: skip
    first = bars(market_data, BTC, "2020-04-16T12:00", "2020-04-16T13:00")[0]
    value = 70_000 / first.open
    rates = {
        "2020-04-17T00:00": 0.005, "2020-04-17T01:00": 0.0045,
        "2020-05-05T01:00": 0.0045, "2020-05-05T02:00": 0.004,
    }  # fmt: skip
    for time, rate in rates.items():
        settled = [b.funding_rate for b in bars(market_data, BTC, "2020-04-16T12:00", time)]
        settled.append(bars(market_data, BTC, time, f"{time[:14]}59")[0].funding_rate)
        last = [r for r in settled if r is not None][-1]
        # a long holds back the next funding while the last rate is positive
        # closing fee set apart on the value and all of the wallet, which tops losses up
        wallet = row_at(result.equity, time)["cash"]
        reserve = (value + wallet) * 0.00075 / 1.00075
        needed = value * (rate + max(last, 0.0)) + reserve
        assert row_at(result.margin, time)["maintenance_margin"] == pytest.approx(needed, rel=EXACT)
    assert result.liquidations.height == 0


def test_bitmex_leaves_isolated_positions_alone_until_they_change(replay, market_data):
    """What is isolated keeps 0.5 % through 17 April, and gets 0.45 % when a dollar is added."""
    result = replay(
        "bitmex", [("2020-04-16T12:00", XBT, 70_000), ("2020-04-20T00:00", XBT, 1)],
        prices="binanceusdm", cash=5, cash_in="settle", leverage=5,
        since="2020-04-16", until="2020-05-06",
    )  # fmt: skip
    first = bars(market_data, BTC, "2020-04-16T12:00", "2020-04-16T13:00")[0].open
    added = bars(market_data, BTC, "2020-04-20T00:00", "2020-04-20T01:00")[0]

    def needed(value, rate, funding):
        return value * (rate + max(funding, 0.0)) + value * (1 + 1 / 5) * 0.00075

    old = row_at(result.margin, "2020-04-19T23:00")
    funding = bars(market_data, BTC, "2020-04-19T16:00", "2020-04-19T17:00")[0].funding_rate
    assert old["maintenance_margin"] == pytest.approx(
        needed(70_000 / first, 0.005, funding), rel=EXACT
    )
    value = 70_000 / first + 1 / added.open
    new = row_at(result.margin, "2020-04-20T00:00")
    assert new["maintenance_margin"] == pytest.approx(
        needed(value, 0.0045, added.funding_rate), rel=EXACT
    )
    # nothing touches it on 5 May
    late = row_at(result.margin, "2020-05-05T03:00")
    funding = bars(market_data, BTC, "2020-05-05T00:00", "2020-05-05T01:00")[0].funding_rate
    assert late["maintenance_margin"] == pytest.approx(needed(value, 0.0045, funding), rel=EXACT)


def test_bitmex_shares_gains_between_cross_positions_from_2024_03_25(replay, market_data):
    """A long of bitcoin against a short of ether: alone before the day, together after it.

    Before it the gain of ether stands behind nothing, and ether keeps its initial margin when the
    long is taken over. After it the gain carries the long further, and both fall at once.
    """
    sizes, falls = (1_350_000, -2_270), []
    eras = (("2024-03-19T00:00", "2024-03-21"), ("2024-04-12T12:00", "2024-04-14"))
    for since, until in eras:
        result = replay(
            "bitmex", [(since, XBT, sizes[0]), (since, ETH_QUANTO, sizes[1])],
            prices="binanceusdm", margin="cross", cash=2, cash_in="settle",
            on_liquidation="continue", since=since[:10], until=until,
        )  # fmt: skip
        got = result.liquidations.filter(event=1, step=1).row(0, named=True)
        assert got["symbol"] == XBT
        end = got["ts"].strftime("%Y-%m-%dT%H:%M")
        btc, eth = (list(bars(market_data, s, since, f"{end[:14]}59")) for s in (BTC, ETH))
        values, cash, last = opened(btc, eth, sizes)
        shared = since >= "2024-03-25"
        # 0.8 % of ether and its fee, or all of the 2 % and the fee that it was opened with
        bound = 0.008 + max(-last[1], 0.0) if shared else 0.02
        ether = values[1] * (bound + 1.02 * 0.00075)
        # 0.5 % of bitcoin (initial 1 %), funding for the side that pays, and the fee set apart: on
        # cost and initial margin, or on cost and all that the wallet can add
        reserve = values[0] * 1.01 * 0.00075
        if not shared:
            reserve = (values[0] + cash - ether) * 0.00075 / 1.00075
        needed = values[0] * (0.005 + max(last[0], 0.0)) + reserve + ether
        assert got["maintenance_margin"] == pytest.approx(needed, rel=EXACT)
        loss = sizes[0] * (1 / btc[0].open - 1 / got["mark_price"])
        gain = sizes[1] * 1e-6 * (eth_mark(result, got, eth) - eth[0].open)
        assert loss < 0 < gain
        assert cash + loss + (gain if shared else 0.0) == pytest.approx(needed, rel=1e-4)
        closed = result.liquidations.filter(symbol=ETH_QUANTO).height
        assert closed == (1 if shared else 0)
        falls.append(loss)
    # the same cash carries the long through a much larger loss, as the gain is behind it
    assert falls[1] < 1.3 * falls[0]


def opened(btc, eth, sizes):
    """(values at entry, cash after fees and funding, last funding rates) of the two positions."""
    values = sizes[0] / btc[0].open, -sizes[1] * eth[0].open * 1e-6
    cash, last = 2 - sum(values) * 0.00075, [0.0, 0.0]
    for b, e in zip(btc, eth, strict=True):
        if b.funding_rate is not None:
            last = [b.funding_rate, e.funding_rate]
            if b is not btc[0]:
                # the long pays on dollars / mark, the short receives on ether · mark
                cash -= sizes[0] / b.mark_open * b.funding_rate
                cash -= sizes[1] * e.mark_open * 1e-6 * e.funding_rate
    return values, cash, last


def eth_mark(result, got, eth):
    """Mark of ether in the step: of its own record, else between its open and its high."""
    own = result.liquidations.filter(event=got["event"], symbol=ETH_QUANTO)
    return own["mark_price"][0] if own.height else eth[-1].mark_open


def test_deribit_doubles_its_rate_and_liquidates_at_the_change(replay, market_data):
    """2022-01-11: 0.525 % becomes 1 %, and a short with 0.8 % of margin is sold to a hundredth."""
    result = replay(
        "deribit", [("2022-01-10T23:00", XBT, -30_800)], prices="binanceusdm", margin="cross",
        cash=0.01, cash_in="settle", since="2022-01-10T20:00", until="2022-01-11T01:00",
    )  # fmt: skip
    held, change = bars(market_data, BTC, "2022-01-10T23:00", "2022-01-11T01:00")
    equity = 0.01 - 30_800 / held.open * 0.0005
    equity -= 30_800 * (1 / held.open - 1 / change.mark_open)

    def needed(dollars, rate, mark):
        coins = dollars / mark
        return coins * (rate + 0.00005 * coins)

    highest = 0.01 - 30_800 / held.open * 0.0005
    highest -= 30_800 * (1 / held.open - 1 / held.mark_high)
    assert highest > needed(30_800, 0.00525, held.mark_high)
    assert needed(30_800, 0.00525, change.mark_open) < equity
    assert equity < needed(30_800, 0.01, change.mark_open)

    got = result.liquidations.row(0, named=True)
    assert (got["ts"], got["cause"]) == (change.time, "tier change")
    assert got["mark_price"] == change.mark_open
    assert got["equity_before"] == pytest.approx(equity, rel=EXACT)
    assert got["maintenance_margin"] == pytest.approx(
        needed(30_800, 0.01, change.mark_open), rel=EXACT
    )

    # closing a dollar frees 1 % and costs 0.8 % (0.05 taker, 0.75 liquidation): the part that
    # brings the requirement to 99 % of what is left, in lots of ten dollars
    def left(closed):
        return equity - closed / change.mark_open * (0.0005 + 0.0075)

    def cures(closed):
        return needed(30_800 - closed, 0.01, change.mark_open) <= 0.99 * left(closed)

    part = next(lots * 10 for lots in range(3_081) if cures(lots * 10))
    assert got["size_closed"] == part
    assert got["fee"] == pytest.approx(equity - left(part), rel=EXACT)
    assert got["residual"] == pytest.approx(left(part), rel=EXACT)
    # funding of the same hour and its high follow: each has its own cause
    assert set(result.liquidations["cause"][1:]) <= {"price", "funding"}


@pytest.mark.parametrize(("venue", "symbol", "size"), [("bitmex", XBT, 60_000)])
def test_the_funding_settled_before_the_run_is_known_at_its_first_bar(replay, venue, symbol, size):
    """The rate of 2021-04-14 00:00 is held back at 01:00, whether the run saw it settled or not."""
    found = [
        replay(
            venue, [("2021-04-14T01:00", symbol, size)], prices="binanceusdm", cash=5,
            cash_in="settle", leverage=10, since=since, until="2021-04-14T06:00",
        )
        for since in ("2021-04-13T22:00", "2021-04-14T01:00")
    ]  # fmt: skip
    early, late = (row_at(result.margin, "2021-04-14T02:00") for result in found)
    assert late["maintenance_margin"] == early["maintenance_margin"]
    assert late["liquidation_price"] == early["liquidation_price"]
