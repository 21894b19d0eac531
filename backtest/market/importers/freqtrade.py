"""The data folder of freqtrade: candles, marks and funding in feather, Parquet or JSON.

Files are named PAIR-TIMEFRAME[-futures|-mark|-index|-funding_rate] with `/` and `:` written as `_`,
in a folder of the exchange's name, those of futures in `futures` below it. A funding rate stands in
the column `open`. Where a venue has no mark candles freqtrade keeps trade candles under their name.
"""

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from backtest.errors import DataError, UsageError
from backtest.market.importers.outcome import Imported, Progress, on_the_hour
from backtest.market.intake import TIME, SeriesName, intake
from backtest.market.layout import FUNDING_NAME, VALUE_COLUMNS, symbol_of

ENDINGS = (".feather", ".parquet", ".json.gz", ".json")
COLUMNS = ("date", "open", "high", "low", "close", "volume")
KINDS = {
    "": "spot", "futures": "trade", "mark": "mark", "index": "index", "funding_rate": "funding",
}  # fmt: skip
VENUES = {
    "binance": ("binance", "binanceusdm", "binancecoinm"),
    "kraken": ("kraken", "krakenfutures", "krakenfutures"),
    "kucoin": ("kucoin", "kucoinfutures", "kucoinfutures"),
}
"""ccxt ids of spot, linear and inverse markets, where they are not freqtrade's own name."""
_NAME = re.compile(r"(?P<pair>[A-Za-z0-9_]+)-(?P<timeframe>\d+[mhdw])(-(?P<what>[a-z_]+))?")


class Found(NamedTuple):
    """A file and the series it is of."""

    path: Path
    of: SeriesName


def import_freqtrade(
    paths: Sequence[Path], root: Path, *, venue: str | None = None, progress: Progress | None = None
) -> Imported:
    """Bring files, or all files under folders, into the store under `root`.

    The venue is that of the folder (`binance` means `binanceusdm` for linear futures), unless it
    is given. Raises DataError or UsageError; then nothing is written.
    """
    found = sorted((found_in(path, venue) for path in _files(paths)), key=lambda f: f.of)
    with intake(root, {"source": "freqtrade"}) as store:
        for done, one in enumerate(found, 1):
            store.add(one.of, read_file(one))
            if progress is not None:
                progress(done, len(found))
        series = store.finish()
    return Imported(len(found), 0, series)


def found_in(path: Path, venue: str | None) -> Found:
    """What a file is by its name and its folders. Raises DataError or UsageError."""
    stem = next(path.name.removesuffix(e) for e in ENDINGS if path.name.endswith(e))
    found = _NAME.fullmatch(stem)
    kind = KINDS.get((found["what"] or "") if found else "?")
    if found is None or kind is None:
        raise DataError(
            f"{path} is not named as freqtrade names its files, like "
            "BTC_USDT_USDT-1h-futures.feather; leave it out."
        )
    folder = path.absolute().parent
    exchange = folder.parent.name if folder.name == "futures" else folder.name
    symbol = symbol_of(found["pair"])
    if kind != "spot" and ":" not in symbol:
        raise DataError(f"{path} holds {kind} of {symbol}, which is no future; leave it out.")
    timeframe = FUNDING_NAME if kind == "funding" else found["timeframe"]
    return Found(path, SeriesName(venue or _venue(exchange, symbol, path), symbol, kind, timeframe))


def _venue(exchange: str, symbol: str, path: Path) -> str:
    if not exchange or exchange == "data":
        raise UsageError(f"the folder of {path} names no exchange; give --venue, a ccxt id.")
    base, _, settle = symbol.replace(":", "/").partition("/")
    place = 0 if "/" not in settle else (2 if settle.rpartition("/")[2] == base else 1)
    return VENUES.get(exchange, (exchange,) * 3)[place]


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}; give freqtrade's data folder.")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [p for p in inside if p.is_file() and _is_candles(p)]
    if not found:
        raise UsageError(
            f"there is nothing of freqtrade in {', '.join(map(str, paths))}; it keeps files like "
            "BTC_USDT_USDT-1h-futures.feather."
        )
    return found


def _is_candles(path: Path) -> bool:
    return path.name.endswith(ENDINGS) and "-trades." not in path.name


def read_file(found: Found) -> pl.DataFrame:
    """The rows of one file: `ts` and the columns of its kind. Raises DataError."""
    path = found.path
    try:
        if path.name.endswith(".feather"):
            frame = pl.read_ipc(path)
        elif path.name.endswith(".parquet"):
            frame = pl.read_parquet(path)
        else:
            frame = _from_json(path)
        frame = frame.select(_in_ms(frame), *(pl.col(c).cast(pl.Float64) for c in COLUMNS[1:]))
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        raise DataError(
            f"{path} cannot be read as freqtrade's ({reason}); leave it out."
        ) from error
    if found.of.kind == "funding":
        frame = frame.with_columns(
            on_the_hour(pl.col("ts")).alias("ts"), funding_rate=pl.col("open")
        )
    return frame.select(pl.col("ts").cast(TIME), *VALUE_COLUMNS[found.of.kind])


def _from_json(path: Path) -> pl.DataFrame:
    raw = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    rows = json.loads(raw)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return pl.DataFrame({name: list(values) for name, values in zip(COLUMNS, columns, strict=True)})


def _in_ms(frame: pl.DataFrame) -> pl.Expr:
    if frame.schema["date"] == pl.Int64:
        return pl.col("date").alias("ts")
    return pl.col("date").dt.epoch("ms").alias("ts")
