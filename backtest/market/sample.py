"""The project's own made-up market, written in the layout of a store.

`python -m backtest.market.sample DIR` writes the bundled sample, two years of hours and four
crashes rebuilt from published prices: the same seed and the same versions of numpy and pyarrow
give the same bytes. Every file says `synthetic` in its metadata.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.market.check import HOUR_MS, TS_TYPE, Floats, Ints
from backtest.market.crash import Crash, crashes, rebuilt
from backtest.market.layout import (
    FUNDING_NAME,
    PRICE_COLUMNS,
    folder_of,
    time_text,
    timeframe_ms,
)
from backtest.market.synthetic import Candles, SymbolModel, candles

GENERATOR = "backtest.market.sample 1"
START_2023_MS = 1_672_531_200_000
BASE_RATE, RATE_BAND, RATE_CAP = 0.0001, 0.0005, 0.02
"""Interest per settlement, how far the premium may be off before it counts, and the cap."""

SYMBOLS = (
    SymbolModel("BTC/USDT:USDT", 16_500.0, 0.1, 0.65, 0.92, 0.9, 15_000.0, 0.5),
    SymbolModel("ETH/USDT:USDT", 1_200.0, 0.01, 0.80, 0.90, 1.1, 150_000.0, 0.4),
    SymbolModel("SOL/USDT:USDT", 10.0, 0.001, 0.95, 0.80, 1.4, 2_000_000.0, 0.8),
)


MADE_UP = "made-up prices; no exchange ever printed them"
REBUILT = (
    "rebuilt from published prices of the crash of {}, each with its page in "
    "backtest/market/crashes.toml; made up between them, no exchange ever printed these hours"
)


@dataclass(frozen=True)
class SampleMarket:
    """What to generate: the defaults are two years of hours."""

    venue: str = "binanceusdm"
    symbols: tuple[SymbolModel, ...] = SYMBOLS
    timeframe: str = "1h"
    start_ms: int = START_2023_MS
    bars: int = 731 * 24
    seed: int = 7
    funding_interval_ms: int = 8 * HOUR_MS
    window: str = ""
    """What the names of its files end with."""
    notes: str = MADE_UP


def generate(root: Path | str, market: SampleMarket | None = None) -> list[Path]:
    """Write trade, mark and funding of every symbol below `root`; returns the files.

    Without a market it writes the bundled sample: two years, and a stretch for each crash.
    Memory does not grow with the number of bars but for 16 bytes a bar of premium.
    """
    chosen = SampleMarket() if market is None else market
    bar_ms, seed = timeframe_ms(chosen.timeframe), chosen.seed
    paths: list[Path] = []
    for model in chosen.symbols:
        made = candles(model, bar_ms, chosen.bars, seed)
        paths += _write_symbol(Path(root), chosen, model, made)
        for crash in crashes() if market is None else ():
            if model.symbol in crash.facts:
                bars = [rebuilt(crash, model, bar_ms, seed)]
                paths += _write_symbol(Path(root), _stretch(chosen, crash), model, bars)
    return paths


def _stretch(market: SampleMarket, crash: Crash) -> SampleMarket:
    """The days around a crash as a market of their own; files are named by their window."""
    return replace(
        market,
        start_ms=crash.since,
        bars=(crash.until - crash.since) // timeframe_ms(market.timeframe),
        window=f"_{time_text(crash.since)[:10]}_{time_text(crash.until)[:10]}",
        notes=REBUILT.format(crash.name),
    )


def _write_symbol(
    root: Path, market: SampleMarket, model: SymbolModel, made: Iterable[Candles]
) -> list[Path]:
    folder = root / market.venue / folder_of(model.symbol)
    bar_ms = timeframe_ms(market.timeframe)
    trade = _open(folder, market, model, "trade")
    mark = _open(folder, market, model, "mark")
    premiums: list[Floats] = []
    start = market.start_ms
    with trade, mark:
        for chunk in made:
            ts = start + bar_ms * np.arange(len(chunk.volume), dtype=np.int64)
            _write_candles(trade, mark, ts, chunk)
            premiums.append(chunk.premium)
            start = int(ts[-1]) + bar_ms
    funding = _write_funding(folder, market, model, np.concatenate(premiums))
    return [_path(folder, market, kind) for kind in ("trade", "mark")] + [funding]


def _path(folder: Path, market: SampleMarket, kind: str) -> Path:
    name = FUNDING_NAME if kind == "funding" else market.timeframe
    return folder / kind / f"{name}{market.window}.parquet"


def _write_candles(
    trade: pq.ParquetWriter, mark: pq.ParquetWriter, ts: Ints, made: Candles
) -> None:
    for writer, prices, rest in ((trade, made.trade, [made.volume]), (mark, made.mark, [])):
        columns = [pa.array(ts, TS_TYPE), *(pa.array(c) for c in [*prices, *rest])]
        writer.write_table(pa.table(columns, schema=writer.schema))


def _write_funding(
    folder: Path, market: SampleMarket, model: SymbolModel, premiums: Floats
) -> Path:
    ts, rates = _funding(market, premiums)
    hours = market.funding_interval_ms // HOUR_MS
    intervals = pa.array([None] + [hours] * (len(ts) - 1), pa.int8())
    with _open(folder, market, model, "funding") as writer:
        columns = [pa.array(ts, TS_TYPE), pa.array(rates), intervals]
        writer.write_table(pa.table(columns, schema=writer.schema))
    return _path(folder, market, "funding")


def _funding(market: SampleMarket, premiums: Floats) -> tuple[Ints, Floats]:
    """Settlement times and rates: the mean premium since the last one, pulled to the base rate."""
    bar_ms, interval = timeframe_ms(market.timeframe), market.funding_interval_ms
    first = -(-market.start_ms // interval) * interval
    end = market.start_ms + bar_ms * len(premiums)
    ts = np.arange(first, end, interval, dtype=np.int64)
    edges = np.concatenate([[0], (ts - market.start_ms) // bar_ms]).tolist()
    means = np.array([premiums[a:b].mean() if b > a else 0.0 for a, b in pairwise(edges)])
    rates = means + np.clip(BASE_RATE - means, -RATE_BAND, RATE_BAND)
    return ts, np.round(np.clip(rates, -RATE_CAP, RATE_CAP), 8)


def _open(folder: Path, market: SampleMarket, model: SymbolModel, kind: str) -> pq.ParquetWriter:
    path = _path(folder, market, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(
        path,
        _schema(kind).with_metadata(_notes(market, model, kind)),
        compression="zstd",
        compression_level=6,
        use_dictionary=[] if kind == "funding" else [*PRICE_COLUMNS],
        column_encoding={"ts": "DELTA_BINARY_PACKED"},
    )


def _schema(kind: str) -> pa.Schema:
    if kind == "funding":
        values = [("funding_rate", pa.float64()), ("interval_hours", pa.int8())]
    else:
        names = [*PRICE_COLUMNS, *(["volume"] if kind == "trade" else [])]
        values = [(name, pa.float64()) for name in names]
    return pa.schema([("ts", TS_TYPE), *values])


def _notes(market: SampleMarket, model: SymbolModel, kind: str) -> dict[str, str]:
    return {
        "venue": market.venue,
        "symbol": folder_of(model.symbol),
        "ccxt_symbol": model.symbol,
        "kind": kind,
        "timeframe": FUNDING_NAME if kind == "funding" else market.timeframe,
        "synthetic": "true",
        "seed": str(market.seed),
        "generator": GENERATOR,
        "notes": market.notes,
    }


def main(arguments: list[str]) -> int:
    """Write the bundled sample into the folder named by the one argument."""
    if len(arguments) != 1:
        print("usage: python -m backtest.market.sample DIR", file=sys.stderr)
        return 2
    for path in generate(arguments[0]):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
