"""The sample's crashes go through the published prices, say so, and run without a download."""

from collections import Counter

import polars as pl
import pyarrow.parquet as pq
import pytest

import backtest as bt
from backtest.config import RunConfig
from backtest.market.crash import FACTS, crashes
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData
from backtest.samples import open_data, sample_data, sample_strategy
from backtest.values import parse_time
from tests.market.conftest import HOUR
from tests.market.streams import drained

CASES = [(crash, symbol) for crash in crashes() for symbol in crash.facts]
EACH = pytest.mark.parametrize(
    ("crash", "symbol"), CASES, ids=[f"{crash.name} {symbol[:3]}" for crash, symbol in CASES]
)
TICK = {"BTC/USDT:USDT": 0.1, "ETH/USDT:USDT": 0.01, "SOL/USDT:USDT": 0.001}


def stretch(crash, symbol, kind="trade"):
    """The bars of a crash in the bundled sample."""
    frame = Store(sample_data()).series("binanceusdm", symbol, kind, "1h").scan().collect()
    return frame.filter(pl.col("ts").cast(pl.Int64).is_between(crash.since, crash.until, "left"))


@EACH
def test_each_published_price_is_traded_in_its_hour(crash, symbol):
    bars = stretch(crash, symbol)
    for fact in crash.facts[symbol]:
        bar = bars.row((fact.ts - crash.since) // HOUR, named=True)
        assert bar["low"] - TICK[symbol] <= fact.price <= bar["high"] + TICK[symbol], fact


@EACH
def test_no_made_up_price_is_beyond_the_published_ones(crash, symbol):
    bars, prices = stretch(crash, symbol), [fact.price for fact in crash.facts[symbol]]
    assert bars["low"].min() == pytest.approx(min(prices), abs=TICK[symbol])
    assert bars["high"].max() == pytest.approx(max(prices), abs=TICK[symbol])
    assert bars.filter(pl.col("low") == pl.col("high")).is_empty()


@EACH
def test_the_mark_does_not_follow_to_the_very_low(crash, symbol):
    assert stretch(crash, symbol, "mark")["low"].min() > stretch(crash, symbol)["low"].min()


@EACH
def test_a_stretch_streams_without_a_hole_and_says_what_it_is(crash, symbol):
    store, kinds = Store(sample_data()), ("trade", "mark")
    series = [store.series("binanceusdm", symbol, kind, "1h") for kind in kinds]
    funding = store.series("binanceusdm", symbol, "funding")
    data = SymbolData(*series, funding)
    stream = Stream([data], HOUR, crash.since, crash.until, volume=True)
    assert len(drained(stream).ts) == (crash.until - crash.since) // HOUR
    assert stream.gaps == []
    for one in (*series, funding):
        paths = [s.path for s in one.segments if s.start == crash.since]
        notes = pq.read_metadata(paths[0]).metadata[b"notes"].decode()
        assert f"rebuilt from published prices of the crash of {crash.name}" in notes


def test_each_price_has_a_page_and_says_whose_hour_it_is():
    facts = [fact for crash in crashes() for symbol in crash.facts for fact in crash.facts[symbol]]
    assert len(facts) > 50
    assert all(fact.page.startswith("http") for fact in facts)
    assert set(Counter(fact.how for fact in facts)) == {"stated", "placed", "derived"}
    text = FACTS.read_text("utf-8")
    assert all(text.count(fact.page) for fact in facts)


def test_facts_are_in_time_order_from_the_start_of_their_stretch():
    for crash, symbol in CASES:
        times = [fact.ts for fact in crash.facts[symbol]]
        assert times == sorted(set(times))
        assert times[0] == crash.since
        assert times[-1] < crash.until


@pytest.mark.parametrize(
    ("since", "until", "meant"),
    [
        (None, None, ("2023-01-01", "2025-01-01")),
        ("2024-03-01", None, ("2024-03-01", "2025-01-01")),
        (None, "2024-03-01", ("2023-01-01", "2024-03-01")),
        ("2025-10-10", None, ("2025-10-10", "2025-10-12")),
        (None, "2020-03-13", ("2020-03-08", "2020-03-13")),
        ("2020-03-11", "2020-03-14", ("2020-03-11", "2020-03-14")),
        ("2020-03-11", "2024-03-14", ("2020-03-11", "2024-03-14")),
        ("2021-01-01", None, ("2021-01-01", None)),
    ],
)
def test_a_run_on_the_sample_keeps_to_the_stretch_of_its_date(since, until, meant):
    def moment(text):
        return None if text is None else parse_time(text)

    config = RunConfig(strategy="x.py", since=moment(since), until=moment(until))
    chosen, store = open_data(config)
    assert (chosen.since, chosen.until) == tuple(map(moment, meant))
    assert store.root == sample_data()


def test_a_run_on_other_data_keeps_its_dates(tmp_path):
    config = RunConfig(strategy="x.py", data=str(tmp_path))
    assert open_data(config)[0] == config


def test_a_crash_runs_out_of_the_box(tmp_path):
    """The longs of datasets/README.md, and the same with less money or all of it behind them."""
    fates = {}
    for leverage in (1, 2, 10):
        result = bt.run(
            str(sample_strategy("hold")), symbols="BTC,ETH", exposure=0.4, leverage=leverage,
            since="2020-03-11", until="2020-03-14", out=tmp_path / str(leverage),
        )  # fmt: skip
        assert result.manifest["synthetic"]
        fallen = result.liquidations.select("symbol", pl.col("ts").dt.date().cast(pl.String))
        fates[leverage] = dict(fallen.iter_rows())
    both = ("BTC/USDT:USDT", "ETH/USDT:USDT")
    days = {1: {}, 2: dict.fromkeys(both, "2020-03-13"), 10: dict.fromkeys(both, "2020-03-12")}
    assert fates == days
