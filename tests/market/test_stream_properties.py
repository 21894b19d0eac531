"""Whatever the holes, files, batches and blocks: the stream says what the plain oracle says."""

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.errors import DataError
from tests.market import oracle
from tests.market.conftest import HOUR, START, Builder, hours
from tests.market.oracle import INTERVAL, Market, Request
from tests.market.streams import drained

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
HOURS = 150


@st.composite
def stretches(draw, bar, *, at_least=0):
    """Opens with holes of all lengths: a few runs of bars, some of them broken."""
    runs = draw(st.lists(st.tuples(st.integers(0, HOURS), st.integers(1, 40)), max_size=4))
    at = {h for first, n in runs for h in range(first, first + n)}
    at -= draw(st.sets(st.integers(0, HOURS), max_size=12))
    at = {h // bar * bar for h in at}
    if len(at) < at_least:
        at.add(draw(st.integers(0, HOURS // bar)) * bar)
    return sorted(at)


@st.composite
def markets(draw, bar):
    """One symbol with candles that tell their own hour, kind and symbol."""
    base = draw(st.sampled_from([100.0, 5000.0, 0.25]))

    def candles(at, shift):
        low = {h: base + shift + h for h in at}
        return {h: [p + 0.5, p + 2.0, p, p + 1.0, float(h)] for h, p in low.items()}

    trade = candles(draw(stretches(bar, at_least=1)), 0.0)
    mark = candles(draw(stretches(bar)), 7.0)
    every = set(range(HOURS // INTERVAL + 1))
    known = every - draw(st.sets(st.sampled_from(sorted(every))))
    return Market(trade, mark, {h * INTERVAL: (h % 7 - 3) * 1e-5 for h in known})


@st.composite
def cases(draw):
    bar = draw(st.sampled_from([1, 4, 24]))
    since = draw(st.integers(0, 60))
    until = draw(st.integers(since + 1, HOURS + 60))
    request = Request(bar, since, until, draw(st.sampled_from([0, 1, 5, 24])))
    return request, draw(st.lists(markets(bar), min_size=1, max_size=3))


def written(builder, symbol, market, name, cut):
    """Write one market; its trade as two files, the second repeating other prices of the first."""
    for kind, rows in (("trade", market.trade), ("mark", market.mark)):
        at = sorted(rows)
        first, second = at[:cut], at[max(cut - 1, 1) :] if cut else at
        for label, part in (("a", first), ("b", second)):
            if not part:
                continue
            repeated = [float(h in first and label == "b") for h in part]
            values = np.array([rows[h] for h in part]) + np.array(repeated)[:, None]
            names = ("open", "high", "low", "close", "volume")[: 5 if kind == "trade" else 4]
            frame = pl.DataFrame({n: values[:, i] for i, n in enumerate(names)})
            builder.write(part, frame, kind, symbol, f"{name}_{label}")
    if market.funding:
        at = sorted(market.funding)
        builder.funding(at, [market.funding[h] for h in at], symbol=symbol)


def hours_of(gap, bar):
    """Opens of the bars, or times of the settlements, that a gap speaks of."""
    step = INTERVAL if gap.kind == "funding" else bar
    first, stop = ((t - START) // HOUR for t in (gap.start, gap.stop))
    assert gap.bars == len(range(first, stop, step))
    return set(range(first, stop, step))


@settings(max_examples=120, deadline=None)
@given(cases(), st.integers(1, 60), st.integers(1, 30), st.integers(0, 50))
def test_a_stream_says_what_the_oracle_says(case, block_bars, batch_rows, cut):
    request, given_markets = case
    name = {1: "1h", 4: "4h", 24: "1d"}[request.bar]
    since, until = hours(request.since, request.until)
    with (
        tempfile.TemporaryDirectory() as root,
        patch("backtest.market.stream.LEAST_BATCH_ROWS", batch_rows),
    ):
        builder, used = Builder(Path(root)), SYMBOLS[: len(given_markets)]
        for symbol, market in zip(used, given_markets, strict=True):
            written(builder, symbol, market, name, cut)
        options = {"block_bars": block_bars, "max_gap_ms": request.max_gap * HOUR, "volume": True}
        line = oracle.timeline(given_markets, request)
        if not line:
            with pytest.raises(DataError, match="there are no candles"):
                drained(builder.stream(*used, name=name, since_ms=since, until_ms=until, **options))
            return
        stream = builder.stream(*used, name=name, since_ms=since, until_ms=until, **options)
        block = drained(stream)
    assert block.ts.tolist() == hours(*line)
    for number, (symbol, market) in enumerate(zip(used, given_markets, strict=True)):
        expected = oracle.bars(given_markets, number, request)
        fields = np.array([fields for fields, _ in expected.values()]).T
        np.testing.assert_array_equal(block.prices[:, number], fields)
        assert block.flags[number].tolist() == [flags for _, flags in expected.values()]
        for kind, missing in oracle.lacking(market, request).items():
            found = [hours_of(g, request.bar) for g in stream.gaps if g[:2] == (symbol, kind)]
            assert set().union(*found) == missing
            assert sum(map(len, found)) == len(missing)
