"""The finer files of the real history make up its hours, but for the hours named here."""

from datetime import UTC, datetime

import numpy as np
import pytest

from backtest.core.types import FUNDING, HAS_TRADE, MARK_HIGH, MARK_IS_COARSE, MARK_LOW
from backtest.errors import DataError
from backtest.market.finer import find_finer
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData
from tests.market.conftest import HOUR
from tests.market.streams import drained

pytestmark = pytest.mark.market_data

APART = {
    # (venue, coin, finer): hours whose finer candles part from the hour by more than rounding
    ("binanceusdm", "BNB", "15m"): {"2022-05-28 17:00"},
    ("binanceusdm", "XRP", "15m"): {"2022-05-28 17:00"},
    ("binanceusdm", "BTC", "30m"): {"2019-09-09 02:00", "2019-09-24 19:00"},
    ("okx", "BTC", "5m"): {
        "2022-06-01 18:00", "2022-07-07 10:00", "2022-11-10 10:00", "2022-12-18 18:00"
    },
    ("okx", "DOGE", "5m"): {"2022-06-01 18:00", "2022-11-10 10:00"},
    ("okx", "ETH", "5m"): {"2022-06-01 18:00"},
    ("okx", "LTC", "5m"): {"2022-06-01 18:00", "2022-11-10 10:00"},
    ("okx", "SOL", "5m"): {"2022-06-01 18:00"},
    ("okx", "XRP", "5m"): {"2022-06-01 18:00", "2022-11-10 10:00"},
}  # fmt: skip
BTC = "BTC/USDT:USDT"


def data(store, venue, symbol):
    """Hours of one symbol."""
    return SymbolData(
        store.series(venue, symbol, "trade", "1h"),
        store.find(venue, symbol, "mark", "1h"),
        store.find(venue, symbol, "funding"),
    )


def cases():
    """Venues and finer timeframes of the history."""
    return [
        ("binanceusdm", "1m"), ("binanceusdm", "5m"), ("binanceusdm", "15m"), ("okx", "1m"),
        ("binanceusdm", "30m"), ("okx", "5m"), ("okx", "15m"), ("bybit", "15m"), ("bybit", "5m"),
        ("hyperliquid", "5m"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def store(market_data):
    return Store(market_data)


def ms(text):
    """A time such as 2022-02-26 07:00, UTC, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(("venue", "detail"), cases())
def test_finer_files_make_up_their_hours_but_for_the_known_ones(store, venue, detail):
    checked, apart = 0, {}
    for symbol in store.symbols(venue):
        names = store.timeframes(venue, symbol, "trade")
        if not {"1h", detail} <= set(names):
            continue
        one = data(store, venue, symbol)
        finer = find_finer(store, [one], detail, tolerance=0.5)
        for segment in store.series(venue, symbol, "trade", detail).segments:
            hours, found = differing(finer, one, segment)
            checked += hours
            apart.setdefault(symbol.partition("/")[0], set()).update(found)
    known = {c: hours for (v, c, d), hours in APART.items() if (v, d) == (venue, detail)}
    assert {c: hours for c, hours in apart.items() if hours} == known
    assert checked >= 20


def differing(finer, one, segment):
    """How many hours of a file could be looked into, and which part from it."""
    block = hours_of(one, segment.start, segment.stop)
    count, apart = 0, set()
    for i in range(len(block.ts) if block else 0):
        finer.agreement._worst.clear()
        count += finer.bars(block, i, HOUR) is not None
        if any(d.relative > 1e-9 for d in finer.agreement.differences):
            apart.add(f"{datetime.fromtimestamp(block.ts[i] / 1000, UTC):%Y-%m-%d %H:%M}")
    return count, apart


def hours_of(one, since, until):
    """The hours of a symbol in a span, None where it has none there."""
    try:
        return drained(Stream([one], HOUR, since, until))
    except DataError:
        return None


def test_the_first_days_of_bitcoin_in_half_hours_are_refused(store):
    one = data(store, "binanceusdm", BTC)
    block = drained(Stream([one], HOUR, ms("2019-09-09 02:00"), ms("2019-09-09 03:00")))
    with pytest.raises(DataError, match=r"30m trade candles of BTC/USDT:USDT contradict the 1h"):
        find_finer(store, [one]).bars(block, 0, HOUR)


def test_the_minute_of_the_wick_of_may_2021_lies_outside_what_the_mark_can_be(store):
    one = data(store, "binanceusdm", BTC)
    block = drained(Stream([one], HOUR, ms("2021-05-19 14:00"), ms("2021-05-19 15:00")))
    finer = find_finer(store, [one], "1m")
    inside = finer.bars(block, 0, HOUR)
    assert len(inside.ts) == 60
    assert (inside.flags & MARK_IS_COARSE).all()
    wick = int(np.argmin(inside.prices[2, 0]))
    assert inside.ts[wick] == ms("2021-05-19 14:13")
    assert inside.prices[2, 0, wick] == 32_620
    assert inside.prices[MARK_LOW, 0, wick] == block.prices[MARK_LOW, 0, 0] > 33_900
    assert inside.prices[MARK_HIGH, 0, wick] == block.prices[MARK_HIGH, 0, 0]


def test_two_symbols_are_looked_into_where_both_have_finer_files(store):
    both = [data(store, "binanceusdm", s) for s in (BTC, "ETH/USDT:USDT")]
    finer = find_finer(store, both)
    block = drained(Stream(both, HOUR, ms("2025-01-30 08:00"), ms("2025-01-30 16:00")))
    five = finer.bars(block, 0, HOUR)
    assert len(five.ts) == 12
    assert len(finer.bars(five, 3, 300_000).ts) == 5
    assert (five.flags & HAS_TRADE).all()
    assert (five.prices[FUNDING, :, 0] == block.prices[FUNDING, :, 0]).all()
