"""The made-up market is reproducible, says what it is, and moves the way markets move."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from backtest.market.sample import RATE_CAP, SYMBOLS, SampleMarket, generate, main
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData
from backtest.market.synthetic import candles
from tests.market.conftest import HOUR
from tests.market.streams import drained

BUNDLED = Path(__file__).resolve().parents[2] / "datasets" / "sample"
MEBIBYTE = 1 << 20
SMALL = SampleMarket(bars=2_000)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The bundled sample, made again now."""
    root = tmp_path_factory.mktemp("sample")
    generate(root)
    return root


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    """Its two years alone, without the crashes."""
    root = tmp_path_factory.mktemp("years")
    generate(root, SampleMarket())
    return root


@pytest.fixture(scope="module")
def bars(years):
    """Trade and mark candles of every symbol."""
    store = Store(years)
    return {
        (kind, m.symbol): store.series("binanceusdm", m.symbol, kind, "1h").scan().collect()
        for kind in ("trade", "mark")
        for m in SYMBOLS
    }


@pytest.fixture(scope="module")
def closes(bars):
    """Trade and mark closes of every symbol."""
    return {
        kind: {m.symbol: bars[kind, m.symbol]["close"] for m in SYMBOLS}
        for kind in ("trade", "mark")
    }


def files(root):
    return {p.relative_to(root): p for p in sorted(root.rglob("*.parquet"))}


def returns(series):
    return np.diff(np.log(series.to_numpy()))


def correlation(one, other):
    return float(np.corrcoef(one, other)[0, 1])


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        generate(tmp_path / name, SMALL)
    one, other = files(tmp_path / "one"), files(tmp_path / "other")
    assert len(one) == 9
    assert all(one[name].read_bytes() == other[name].read_bytes() for name in one)


def test_another_seed_writes_another_market(tmp_path):
    generate(tmp_path / "one", SMALL)
    generate(tmp_path / "other", replace(SMALL, seed=8))
    one, other = files(tmp_path / "one"), files(tmp_path / "other")
    assert all(one[name].read_bytes() != other[name].read_bytes() for name in one)


def test_a_symbol_moves_the_same_in_any_company(tmp_path):
    generate(tmp_path / "three", SMALL)
    generate(tmp_path / "alone", replace(SMALL, symbols=SYMBOLS[1:2]))
    three, alone = files(tmp_path / "three"), files(tmp_path / "alone")
    assert len(alone) == 3
    assert all(alone[name].read_bytes() == three[name].read_bytes() for name in alone)


def test_the_bundled_files_are_what_the_generator_writes(sample):
    made, bundled = files(sample), files(BUNDLED)
    assert list(made) == list(bundled)
    for name, path in made.items():
        assert_frame_equal(pl.read_parquet(path), pl.read_parquet(bundled[name]))
        assert pq.read_schema(path).equals(pq.read_schema(bundled[name]), check_metadata=True)


def test_the_bundled_sample_is_small():
    assert 0 < sum(p.stat().st_size for p in files(BUNDLED).values()) < 5 * MEBIBYTE


def test_every_file_says_that_it_is_synthetic(sample):
    for path in [*files(sample).values(), *files(BUNDLED).values()]:
        notes = pq.read_metadata(path).metadata
        assert notes[b"synthetic"] == b"true", path
        assert b"no exchange ever printed" in notes[b"notes"]
    store = Store(BUNDLED)
    assert store.series("binanceusdm", "BTC/USDT:USDT", "trade", "1h").synthetic


def test_the_command_writes_the_sample_or_says_how_to_call_it(tmp_path, sample, capsys):
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count(".parquet") == len(files(BUNDLED))
    name, path = next(iter(files(sample).items()))
    assert (tmp_path / name).read_bytes() == path.read_bytes()
    assert main([]) == 2
    assert "usage: python -m backtest.market.sample DIR" in capsys.readouterr().err


def test_the_years_stream_without_a_hole(years):
    store = Store(years)
    data = [
        SymbolData(
            store.series("binanceusdm", m.symbol, "trade", "1h"),
            store.series("binanceusdm", m.symbol, "mark", "1h"),
            store.series("binanceusdm", m.symbol, "funding"),
        )
        for m in SYMBOLS
    ]
    stream = Stream(data, HOUR, volume=True)
    assert len(drained(stream).ts) == 731 * 24
    assert stream.gaps == []


@pytest.mark.parametrize("timeframe", ["1m", "4h", "1d"])
def test_other_timeframes_are_sound_too(tmp_path, timeframe):
    market = SampleMarket(timeframe=timeframe, bars=3_000, symbols=SYMBOLS[:1])
    generate(tmp_path, market)
    store = Store(tmp_path)
    data = SymbolData(
        store.series("binanceusdm", "BTC/USDT:USDT", "trade", timeframe),
        store.series("binanceusdm", "BTC/USDT:USDT", "mark", timeframe),
        store.series("binanceusdm", "BTC/USDT:USDT", "funding"),
    )
    bar_ms = {"1m": 60_000, "4h": 4 * HOUR, "1d": 24 * HOUR}[timeframe]
    stream = Stream([data], bar_ms, volume=True)
    assert len(drained(stream).ts) == 3_000
    assert stream.gaps == []


@pytest.mark.parametrize("symbol", [m.symbol for m in SYMBOLS])
class TestEverySymbol:
    """Facts that hold for each symbol of the sample."""

    def test_returns_have_fat_tails(self, closes, symbol):
        r = returns(closes["trade"][symbol])
        centred = r - r.mean()
        assert (centred**4).mean() / r.var() ** 2 > 5

    def test_volatility_clusters(self, closes, symbol):
        r = returns(closes["trade"][symbol])
        # The few jumps would drown everything else in a sum of squares.
        squares = np.minimum(r**2, np.quantile(r**2, 0.995))
        for lag in (1, 6, 24):
            assert correlation(squares[:-lag], squares[lag:]) > 0.05
        assert abs(correlation(r[:-1], r[1:])) < 0.05

    def test_the_market_jumps_down_and_up(self, closes, symbol):
        r = returns(closes["trade"][symbol])
        assert r.min() < -0.05
        assert r.max() > 0.05

    def test_the_mark_is_smoother_than_trade(self, bars, symbol):
        trade, mark = (bars[kind, symbol] for kind in ("trade", "mark"))
        assert returns(mark["close"]).std() < returns(trade["close"]).std()
        ranges = [(b["high"] / b["low"]).log().mean() for b in (trade, mark)]
        assert ranges[1] < 0.9 * ranges[0]

    def test_the_mark_lags_trade(self, closes, symbol):
        trade, mark = (returns(closes[kind][symbol]) for kind in ("trade", "mark"))
        follows, leads = correlation(trade[:-1], mark[1:]), correlation(mark[:-1], trade[1:])
        assert follows > leads + 0.02
        away = np.log((closes["trade"][symbol] / closes["mark"][symbol]).to_numpy())[1:]
        assert correlation(away, trade) > 0.2

    def test_the_mark_stays_near_trade(self, closes, symbol):
        away = np.log((closes["trade"][symbol] / closes["mark"][symbol]).to_numpy())
        assert abs(away.mean()) < 1e-4
        assert np.quantile(np.abs(away), 0.99) < 0.01

    def test_funding_follows_the_premium_of_the_hours_before(self, years, symbol):
        model = next(m for m in SYMBOLS if m.symbol == symbol)
        premiums = [c.premium for c in candles(model, HOUR, SampleMarket().bars, 7)]
        eight_hours = np.concatenate(premiums).reshape(-1, 8).mean(axis=1)
        rates = Store(years).series("binanceusdm", symbol, "funding").scan().collect()
        rate = rates["funding_rate"].to_numpy()
        assert correlation(eight_hours[:-1], rate[1:]) > 0.7
        assert np.abs(rate).max() <= RATE_CAP
        assert (rate > 0).any()
        assert (rate < 0).any()


def test_the_symbols_move_together(closes):
    moves = [returns(c) for c in closes["trade"].values()]
    pairs = [correlation(moves[a], moves[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert all(0.5 < p < 0.95 for p in pairs)
