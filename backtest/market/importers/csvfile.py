"""CSV files of any columns: what is plain is read, what could mean two things is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from backtest.errors import DataError, UnknownNameError, UsageError
from backtest.market.importers.outcome import Imported, Progress, on_the_hour
from backtest.market.intake import TIME, SeriesName, intake
from backtest.market.layout import KINDS, VALUE_COLUMNS, timeframe_ms

SYNONYMS = {
    "ts": ("ts", "timestamp", "time", "date", "datetime", "open_time", "opentime", "unix",
           "start", "starttime", "calc_time", "fundingtime", "funding_time"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol", "base_volume", "basevolume"),
    "funding_rate": ("funding_rate", "fundingrate", "rate", "last_funding_rate"),
}  # fmt: skip
"""Names of columns that have one meaning, in small letters."""
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of a unit of time."""
EARLIEST, LATEST = 1_230_768_000, 4_102_444_800
"""2009 and 2100 in seconds: in one unit only a stamp lies between them."""
PLAIN_RATE = 0.005
"""A usual rate over this, 0.5 %, is hardly a fraction."""
BLOCK = 16 << 20
FACTORS = {"fraction": 1.0, "percent": 0.01, "bps": 0.0001}


@dataclass(frozen=True)
class Reading:
    """How a file is to be read, where its own words do not say it.

    `columns` maps our names to the file's, `time_unit` is one of `UNITS`, `zone` the time zone of
    times without one, `stamp` says what a candle's time is of (open or close), `volume_unit` base
    or quote (of the candle's close), `rate_unit` fraction, percent or bps.
    """

    columns: Mapping[str, str]
    time_unit: str | None = None
    zone: str | None = None
    stamp: str | None = None
    volume_unit: str | None = None
    rate_unit: str | None = None


def import_csv(
    paths: Sequence[Path],
    root: Path,
    of: SeriesName,
    reading: Reading,
    progress: Progress | None = None,
) -> Imported:
    """Bring the rows of CSV files of one series into the store under `root`.

    A file is read in blocks, so it may be larger than memory. Raises UsageError where the reading
    must be told more, DataError for a broken file; then nothing is written.
    """
    if of.kind not in KINDS:
        raise UnknownNameError("kind of series", of.kind, KINDS)
    if of.kind != "funding":
        timeframe_ms(of.timeframe)
    with intake(root, {"source": "csv"}) as store:
        for done, path in enumerate(paths, 1):
            for rows in _blocks(path):
                store.add(of, _read(path, rows, of, reading))
            if progress is not None:
                progress(done, len(paths))
        series = store.finish()
    return Imported(len(paths), 0, series)


def _blocks(path: Path) -> Iterator[pl.DataFrame]:
    if not path.is_file():
        raise UsageError(f"there is no file {path}; give CSV files.")
    try:
        with pc.open_csv(path, read_options=pc.ReadOptions(block_size=BLOCK)) as reader:
            for batch in reader:
                yield pl.DataFrame(pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        raise DataError(f"{path} cannot be read as CSV ({reason}); mend the file.") from error


def _read(path: Path, rows: pl.DataFrame, of: SeriesName, reading: Reading) -> pl.DataFrame:
    names = _columns(path, rows.columns, of.kind, reading.columns)
    try:
        frame = rows.select(
            pl.col(column).alias(name)
            if name == "ts"
            else pl.col(column).cast(pl.Float64).alias(name)
            for name, column in names.items()
        )
    except pl.exceptions.PolarsError as error:
        reason = next(iter(str(error).splitlines()), "")[:120]
        raise DataError(f"{path} has text where numbers are due ({reason}); mend it.") from error
    if frame["ts"].null_count():
        raise DataError(f"{path} has rows without a time in {names['ts']!r}; remove them.")
    frame = frame.with_columns(_times(path, frame["ts"], reading))
    if of.kind == "funding":
        return _rates(path, frame, reading)
    return _candles(path, frame, of, reading)


def _columns(
    path: Path, there: Sequence[str], kind: str, given: Mapping[str, str]
) -> dict[str, str]:
    """The file's name of every column of a kind. Raises UsageError where one is not plain."""
    wanted = ("ts", *VALUE_COLUMNS[kind])
    for name, column in given.items():
        if name not in wanted:
            raise UnknownNameError(f"column of {kind}", name, wanted)
        if column not in there:
            raise UnknownNameError(f"column of {path}", column, there)
    found = {}
    for name in wanted:
        fitting = [c for c in there if c.strip().lower() in SYNONYMS[name]]
        if name in given:
            fitting = [given[name]]
        if len(fitting) != 1:
            which = "several columns" if fitting else "no column"
            raise UsageError(
                f"{path} has {which} that may be {name} ({', '.join(fitting or there)}); "
                f"say which with --column {name}=NAME."
            )
        found[name] = fitting[0]
    return found


def _times(path: Path, stamps: pl.Series, reading: Reading) -> pl.Series:
    """Times in ms."""
    if stamps.dtype.is_numeric():
        unit = reading.time_unit or _unit(path, stamps)
        whole = stamps.cast(pl.Float64) if stamps.dtype.is_float() else stamps.cast(pl.Int64)
        if unit == "s":
            return (whole * 1000).round(0).cast(pl.Int64).alias("ts")
        return (whole // (UNITS["ms"] // UNITS[unit])).cast(pl.Int64).alias("ts")
    if stamps.dtype == pl.String:
        stamps = _parsed(path, stamps)
    if stamps.dtype == pl.Date:
        stamps = stamps.cast(pl.Datetime("ms"))
    if not isinstance(stamps.dtype, pl.Datetime):
        raise DataError(f"{path} has {stamps.dtype} where times are due; map ts to another column.")
    if stamps.dtype.time_zone is None:
        if reading.zone is None:
            raise UsageError(f"the times of {path} have no time zone; give --zone, like UTC.")
        try:
            stamps = stamps.dt.replace_time_zone(reading.zone)
        except pl.exceptions.PolarsError as error:
            raise UsageError(
                f"--zone {reading.zone} does not fit the times of {path}; give a name like UTC."
            ) from error
    return stamps.dt.epoch("ms").alias("ts")


def _parsed(path: Path, stamps: pl.Series) -> pl.Series:
    """Times in words, with a zone where they have one."""
    for pattern in ("%+", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M%:z"):
        try:
            return stamps.str.to_datetime(pattern, time_unit="ms", time_zone="UTC")
        except pl.exceptions.PolarsError:
            continue
    try:
        return stamps.str.to_datetime(time_unit="ms")
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"the times of {path} ({stamps[0]!r} …) are of no known form; write them as ISO 8601 "
            "or as a number."
        ) from error


def _unit(path: Path, stamps: pl.Series) -> str:
    low, high = float(stamps.min()), float(stamps.max())  # type: ignore[arg-type]
    for unit, ns in UNITS.items():
        per_second = UNITS["s"] / ns
        if EARLIEST * per_second <= low and high <= LATEST * per_second:
            return unit
    raise UsageError(
        f"the times of {path} ({low:.0f} to {high:.0f}) are no seconds, ms, us or ns since 1970; "
        "map ts to another column, or give --time-unit."
    )


def _candles(path: Path, frame: pl.DataFrame, of: SeriesName, reading: Reading) -> pl.DataFrame:
    length = timeframe_ms(of.timeframe)
    if reading.stamp == "close":
        # a close is the end of its bar, or a moment before it
        frame = frame.with_columns(ts=(pl.col("ts") + 1) // length * length - length)
    elif reading.stamp is None and (frame["ts"] % length != 0).any():
        raise UsageError(
            f"the times of {path} are no opens of {of.timeframe} bars; give --stamp close if they "
            "are closes, or another --timeframe."
        )
    if "volume" in frame.columns:
        if reading.volume_unit is None:
            raise UsageError(
                f"the volume of {path} may be in coin or in money; say which with --volume-unit "
                "base or quote."
            )
        if reading.volume_unit == "quote":
            frame = frame.with_columns(volume=pl.col("volume") / pl.col("close"))
    return frame.with_columns(pl.col("ts").cast(TIME))


def _rates(path: Path, frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    usual = frame["funding_rate"].abs().median()
    if reading.rate_unit is None and isinstance(usual, float) and usual > PLAIN_RATE:
        raise UsageError(
            f"the rates of {path} are usually {usual:g}, which is much for a fraction; say what "
            "they are with --rate-unit fraction, percent or bps."
        )
    factor = FACTORS[reading.rate_unit or "fraction"]
    return frame.with_columns(
        on_the_hour(pl.col("ts")).cast(TIME).alias("ts"),
        funding_rate=pl.col("funding_rate") * factor,
    )
