"""The daily asset contexts of s3://hyperliquid-archive: the one bulk source of its mark prices.

Files are asset_ctxs/YYYYMMDD.csv.lz4 with a row per coin and minute. A row is a sample, so a candle
runs from its own sample to that of the next minute: what the mark did between two samples is not
known. The funding in a row is the running estimate, not what was settled, and is left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from backtest.errors import DataError, UsageError
from backtest.market.importers.outcome import Imported, Progress
from backtest.market.intake import TIME, SeriesName, intake
from backtest.values import MINUTE

VENUE, TIMEFRAME = "hyperliquid", "1m"
KINDS = {"mark": "mark_px", "index": "oracle_px"}
ENDINGS = (".csv.lz4", ".csv")
COLUMNS = ("time", "coin", *KINDS.values())
BLOCK = 16 << 20


def import_hyperliquid(
    paths: Sequence[Path], root: Path, *, symbols: Sequence[str] = (),
    progress: Progress | None = None,
) -> Imported:  # fmt: skip
    """Bring days, or all days under folders, into the store: mark and oracle (as index) by minute.

    `symbols` are ccxt's; none means all. One day is in memory at a time. Raises DataError or
    UsageError; then nothing is written.
    """
    days = sorted(_files(paths), key=lambda path: path.name)
    coins = {symbol.partition("/")[0] for symbol in symbols}
    before, seen = pl.DataFrame(), set[str]()
    with intake(root, {"source": "hyperliquid-archive"}) as store:
        for done, path in enumerate(days, 1):
            samples = _day(path, coins)
            rows = pl.concat([before, samples]) if before.height else samples
            for coin, part in _by_coin(rows):
                seen.add(coin)
                for kind, column in KINDS.items():
                    of = SeriesName(VENUE, f"{coin}/USDC:USDC", kind, TIMEFRAME)
                    store.add(of, candles(part, column))
            before = samples.filter(pl.col("ts") == pl.col("ts").max())
            if progress is not None:
                progress(done, len(days))
        missing = coins - seen
        if missing:
            raise UsageError(f"the files have no {', '.join(sorted(missing))}; check --symbol.")
        series = store.finish()
    return Imported(len(days), 0, series)


def candles(samples: pl.DataFrame, column: str) -> pl.DataFrame:
    """Candles of a minute from samples of one coin, sorted by `ts`.

    The last sample gives none, as its minute is not over; one before a hole stands still.
    """
    first, after = pl.col(column), pl.col(column).shift(-1)
    joined = pl.col("ts").shift(-1) == pl.col("ts") + MINUTE
    last = pl.when(joined).then(after).otherwise(first)
    made = samples.select(
        pl.col("ts").cast(TIME), open=first, high=pl.max_horizontal(first, last),
        low=pl.min_horizontal(first, last), close=last,
    )  # fmt: skip
    return made.head(-1).filter(pl.col("open") > 0.0)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    count = 0
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}; give days of asset_ctxs.")
        inside = path.rglob("*") if path.is_dir() else [path]
        for one in inside:
            if one.is_file() and one.name.endswith(ENDINGS):
                count += 1
                yield one
    if count == 0:
        raise UsageError(
            f"there is no .csv.lz4 in {', '.join(map(str, paths))}; the archive has files like "
            "asset_ctxs/20251010.csv.lz4."
        )


def _day(path: Path, coins: set[str]) -> pl.DataFrame:
    """The samples of one file: `ts` in ms on its minute, coin and prices, sorted by both."""
    types = {
        "time": pa.string(),
        "coin": pa.string(),
        **dict.fromkeys(KINDS.values(), pa.float64()),
    }
    options = pc.ConvertOptions(column_types=types, include_columns=list(COLUMNS))
    parts = []
    try:
        packed = "lz4" if path.name.endswith(".lz4") else None
        with (
            pa.input_stream(path, compression=packed) as stream,
            pc.open_csv(
                stream, read_options=pc.ReadOptions(block_size=BLOCK), convert_options=options
            ) as reader,
        ):
            for batch in reader:
                rows = pl.DataFrame(pa.Table.from_batches([batch]))
                parts.append(rows.filter(pl.col("coin").is_in(coins)) if coins else rows)
        day = pl.concat(parts)
        stamp = pl.col("time").str.replace(" ", "T").str.strip_suffix("Z")
        ts = stamp.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms").dt.epoch("ms")
        day = day.with_columns(ts=ts // MINUTE * MINUTE).drop("time")
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        raise DataError(f"{path} is no day of asset_ctxs ({reason}); fetch it again.") from error
    return day.drop_nulls().unique(["coin", "ts"], keep="first").sort("coin", "ts")


def _by_coin(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    parts = rows.sort("coin", "ts").partition_by("coin", as_dict=True)
    for key in sorted(parts):
        yield str(key[0]), parts[key]
