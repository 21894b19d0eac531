"""Monthly and daily zips of data.binance.vision: candles of trade, mark and index, and funding.

Facts of the format: rulebook of Binance, "Bulk archive" (README of 2025-01 and code). Files of
coin-margined contracts count volume in contracts; their base volume stands where others have the
quote's. Spot has microseconds since 2025-01-01. Headers came late.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from backtest.errors import DataError, UsageError
from backtest.market.importers.outcome import Imported, Progress, on_the_hour
from backtest.market.importers.vision_names import Archive, archive_of, vision_urls
from backtest.market.intake import TIME, intake
from backtest.market.layout import VALUE_COLUMNS
from backtest.values import LAST_TIME

__all__ = ["import_binance_vision", "vision_urls"]

CANDLES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "other_volume", "count",
    "taker_volume", "taker_other_volume", "ignore",
)  # fmt: skip
FUNDING = ("calc_time", "interval", "funding_rate")
CHECKSUM = ".CHECKSUM"
ZIP_ERRORS = (zipfile.BadZipFile, OSError, EOFError, ValueError)


def import_binance_vision(
    paths: Sequence[Path],
    root: Path,
    *,
    market: str | None = None,
    kind: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Bring zips, or all zips under folders, into the store under `root`.

    All archives are tested before the first row is written, and nothing is written if one is
    broken. `market` (um, cm, spot) and `kind` (trade, mark, index) are for files that lie outside
    of the archive's folders. Raises DataError or UsageError.
    """
    found = [archive_of(path, market, kind) for path in _zips(paths)]
    found.sort(key=lambda a: (a.of, a.when))
    unchecked = sum(not _check(archive) for archive in found)
    with intake(root, {"source": "data.binance.vision"}) as store:
        for done, archive in enumerate(found, 1):
            store.add(archive.of, read_archive(archive))
            if progress is not None:
                progress(done, len(found))
        series = store.finish()
    return Imported(len(found), unchecked, series)


def _zips(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob("*.zip"))
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"there is no file or folder {path}; give zips or a folder of them.")
    if not found:
        raise UsageError(
            f"there is no zip in {', '.join(map(str, paths))}; --urls prints which to fetch."
        )
    return found


def _check(archive: Archive) -> bool:
    """Test an archive and its checksum; whether there was one."""
    path = archive.path
    beside = path.with_name(path.name + CHECKSUM)
    if beside.exists():
        said = beside.read_text(encoding="utf-8", errors="replace").split()[:1]
        with path.open("rb") as file:
            made = hashlib.file_digest(file, "sha256").hexdigest()
        if said != [made]:
            raise DataError(
                f"{path} has the SHA-256 {made[:12]}… where {beside.name} says "
                f"{(said or ['nothing'])[0][:12]}…; fetch both again."
            )
    try:
        with zipfile.ZipFile(path) as zipped:
            bad = zipped.testzip()
            members = zipped.namelist()
    except ZIP_ERRORS as error:
        raise DataError(f"{path} is no whole zip ({error}); fetch it again.") from error
    if bad is not None:
        raise DataError(f"the member {bad} of {path} is corrupt; fetch the archive again.")
    if len(members) != 1:
        raise DataError(f"{path} has {len(members)} members where one is due; fetch it again.")
    return beside.exists()


def read_archive(archive: Archive) -> pl.DataFrame:
    """The rows of one archive: `ts` and the columns of its kind. Raises DataError."""
    with zipfile.ZipFile(archive.path) as zipped:
        content = zipped.read(zipped.namelist()[0])
    funding = archive.of.kind == "funding"
    names = FUNDING if funding else CANDLES
    try:
        frame = pl.read_csv(
            io.BytesIO(content), has_header=False, skip_rows=int(_has_header(content)),
            schema={names[0]: pl.Int64, **dict.fromkeys(names[1:], pl.Float64)},
        )  # fmt: skip
    except (pl.exceptions.PolarsError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{archive.path} has rows of another form ({reason}).") from error
    frame = frame.with_columns(_in_ms(pl.col(names[0])).alias("ts"))
    _check_times(frame, archive)
    if funding:
        frame = frame.with_columns(on_the_hour(pl.col("ts")).alias("ts"))
    elif archive.market == "cm":
        frame = frame.with_columns(volume=pl.col("other_volume"))
    columns = VALUE_COLUMNS[archive.of.kind]
    return frame.select(pl.col("ts").cast(TIME), *columns)


def _has_header(content: bytes) -> bool:
    return not content[:1].isdigit()


def _in_ms(stamp: pl.Expr) -> pl.Expr:
    """A stamp in milliseconds: microseconds are beyond any date in them."""
    return pl.when(stamp > LAST_TIME).then(stamp // 1000).otherwise(stamp)


def _check_times(frame: pl.DataFrame, archive: Archive) -> None:
    """An archive holds rows of its own month or day."""
    if frame.height == 0 or frame["ts"].null_count():
        raise DataError(f"{archive.path} has no rows, or rows without a time; fetch it again.")
    stamps = frame.select(pl.col("ts").min().cast(TIME)).item(), frame["ts"].max()
    first = f"{stamps[0]:%Y-%m-%d}"
    if not first.startswith(archive.when):
        raise DataError(
            f"{archive.path} begins on {first}, which is not in {archive.when}; its name and its "
            "content do not belong together."
        )
