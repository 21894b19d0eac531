"""The store reads the real history as it is, and the stream says what is known to be missing."""

import csv
from datetime import UTC, datetime

import numpy as np
import pytest

from backtest.core.types import FUNDING_IS_ASSUMED, MARK_IS_PROXY, SEGMENT_END
from backtest.market.layout import folder_of
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData
from tests.market.conftest import HOUR
from tests.market.streams import drained

pytestmark = pytest.mark.market_data

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


@pytest.fixture(scope="module")
def store(market_data):
    return Store(market_data)


@pytest.fixture(scope="module")
def catalog(market_data):
    """The catalogue of the history, one mapping per file."""
    with (market_data / "catalog.csv").open() as file:
        return list(csv.DictReader(file))


def ms(text):
    """A time such as 2022-02-26 or 2022-02-26 07:00, UTC, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def data(store, venue, symbol):
    return SymbolData(
        store.series(venue, symbol, "trade", "1h"),
        store.find(venue, symbol, "mark", "1h"),
        store.find(venue, symbol, "funding"),
    )


def rows_in(catalog, venue, symbol, kind, name):
    """Rows that the catalogue counts in the files of one series."""
    start = f"{venue}/{folder_of(symbol)}/{kind}/{name}"
    return sum(int(row["rows"]) for row in catalog if row["file"].startswith(start))


def test_every_series_of_every_venue_lists_and_opens(store, catalog):
    listed = {
        (venue, symbol, kind, name)
        for venue in store.venues()
        for symbol in store.symbols(venue)
        for kind in ("trade", "mark", "spot", "funding")
        for name in store.timeframes(venue, symbol, kind)
    }
    files = 0
    for venue, symbol, kind, name in sorted(listed):
        series = store.series(venue, symbol, kind, name)
        files += len(series.files)
        assert series.skipped == ()
        assert series.rows == rows_in(catalog, venue, symbol, kind, name)
        assert series.first < series.last
        assert not series.synthetic
    assert files == len([row for row in catalog if not row["venue"].startswith("_")])
    assert {"binance", "binanceusdm", "bybit", "ftx", "hyperliquid", "okx"} <= set(store.venues())


def test_bitcoin_on_binance_streams_every_row_the_catalogue_counts(store, catalog):
    stream = Stream([data(store, "binanceusdm", BTC)], HOUR)
    block = drained(stream)
    (counts,) = stream.statistics
    trade = rows_in(catalog, "binanceusdm", BTC, "trade", "1h.")
    mark = rows_in(catalog, "binanceusdm", BTC, "mark", "1h.")
    funding = rows_in(catalog, "binanceusdm", BTC, "funding", "funding")
    assert (trade, mark, funding) == (58_622, 56_083, 7_323)
    assert counts.bars == counts.trade_bars == len(block.ts) == trade
    assert trade - counts.proxy_bars == mark
    assert counts.funding_events - counts.assumed_funding_events == funding


def test_bitcoin_on_binance_lacks_only_its_first_months_of_mark_and_days_of_funding(store):
    stream = Stream([data(store, "binanceusdm", BTC)], HOUR)
    block = drained(stream)
    assert not (block.flags & SEGMENT_END).any()
    since = block.ts >= ms("2019-12-23 11:00")
    proxy = (block.flags[0] & MARK_IS_PROXY) != 0
    assert proxy[~since].all()
    # The mark file ends one bar before the trade file.
    assert np.flatnonzero(proxy & since).tolist() == [len(block.ts) - 1]
    settled = (block.ts >= ms("2019-09-10 08:00")) & (block.ts <= ms("2026-05-17 00:00"))
    assert not (block.flags[0, settled] & FUNDING_IS_ASSUMED).any()


def test_the_holes_of_solana_are_gaps_that_end_a_segment(store):
    stream = Stream([data(store, "binanceusdm", SOL)], HOUR)
    block = drained(stream)
    holes = [(g.start, g.stop, g.bars) for g in stream.gaps if g.kind == "both"]
    assert holes == [
        (ms("2022-02-26"), ms("2022-03-01"), 72),
        (ms("2022-04-01"), ms("2022-04-03"), 48),
    ]
    ends = block.ts[(block.flags[0] & SEGMENT_END) != 0]
    assert ends.tolist() == [ms("2022-02-25 23:00"), ms("2022-03-31 23:00")]


def test_missing_funding_of_okx_is_counted(store):
    stream = Stream([data(store, "okx", BTC)], HOUR, missing_funding=0.0001)
    drained(stream)
    runs = [(g.start, g.bars) for g in stream.gaps if g.kind == "funding"]
    assert (ms("2024-07-01 08:00"), 151) in runs  # to 2024-08-20
    assert (ms("2025-01-02 08:00"), 21) in runs  # to 2025-01-09
    assert stream.statistics[0].assumed_funding_events > 172


def test_funding_that_changes_its_interval_has_no_false_holes(store):
    changing = data(store, "bybit", "WIF/USDT:USDT")
    whole = (changing.funding.first, changing.funding.last + 1)
    stream = Stream([changing], HOUR, *whole)
    drained(stream)
    funding = [g for g in stream.gaps if g.kind == "funding"]
    assert stream.statistics[0].assumed_funding_events == 0
    assert funding == []


def test_two_symbols_share_one_timeline(store):
    both = [data(store, "binanceusdm", s) for s in (BTC, SOL)]
    stream = Stream(both, HOUR, ms("2022-02-20"), ms("2022-04-10"))
    block = drained(stream)
    assert (np.diff(block.ts) == HOUR).all()
    assert len(block.ts) == 49 * 24
    alone = Stream(both[1:], HOUR, ms("2022-02-20"), ms("2022-04-10"))
    here = block.flags[1] != 0
    assert drained(alone).prices.tobytes() == block.prices[:, 1:, here].tobytes()
