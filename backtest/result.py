"""A run on disk, opened again: sorted frames, a manifest, and a summary that prints itself."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from .core.state import KINDS
from .errors import ResultError, UnknownNameError
from .summary import summarise
from .verdict import render

MANIFEST = "manifest.json"
FORMAT = 1
NEEDED = ("accounts", "result_hash", "rows")
FRAMES = (*KINDS, "gaps")
SORT_KEYS = (
    "venue", "ts", "exit_time", "path", "event", "step", "symbol", "entry_time", "kind", "asset",
)  # fmt: skip


class Result:
    """The records of a run. Frames are read when asked for and sorted by venue and time."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Config, rules, data files, versions and hashes of the run."""
        path = self.path / MANIFEST
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ResultError(
                f"there is no run at {self.path} ({MANIFEST}: {error.strerror}); "
                "give the folder that `backtest run` printed."
            ) from error
        except ValueError as error:
            raise ResultError(f"{path} is damaged: {error}; run it again.") from error
        if not isinstance(content, dict):
            raise ResultError(f"{path} is damaged: it is not a table; run it again.")
        if content.get("format") != FORMAT:
            raise ResultError(
                f"the run at {self.path} has format {content.get('format')}, this program reads "
                f"{FORMAT}; run it again."
            )
        for name in NEEDED:
            if name not in content:
                raise ResultError(f"{path} is damaged: it has no {name!r}; run it again.")
        return content

    def frame(self, kind: str) -> pl.DataFrame:
        """Records of one kind, sorted by venue and time."""
        if kind not in FRAMES:
            raise UnknownNameError("kind of record", kind, FRAMES)
        _ = self.manifest
        path = self.path / f"{kind}.parquet"
        try:
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ResultError(f"{path} cannot be read: {reason}; run it again.") from error
        return frame.sort([key for key in SORT_KEYS if key in frame.columns], maintain_order=True)

    @cached_property
    def liquidations(self) -> pl.DataFrame:
        """Every liquidation step."""
        return self.frame("liquidations")

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Round trips."""
        return self.frame("trades")

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Executions."""
        return self.frame("fills")

    @cached_property
    def funding(self) -> pl.DataFrame:
        """Funding payments."""
        return self.frame("funding")

    @cached_property
    def equity(self) -> pl.DataFrame:
        """Equity and requirements per settle asset at sampled closes."""
        return self.frame("equity")

    @cached_property
    def margin(self) -> pl.DataFrame:
        """Margin of open positions at sampled closes."""
        return self.frame("margin")

    @cached_property
    def rejections(self) -> pl.DataFrame:
        """Orders that were refused or dropped."""
        return self.frame("rejections")

    @cached_property
    def gaps(self) -> pl.DataFrame:
        """Holes in the data."""
        return self.frame("gaps")

    @cached_property
    def deposits(self) -> pl.DataFrame:
        """Money paid in after the start, by its `source`: a `refill`, or the `reserve`."""
        return self.frame("deposits")

    @cached_property
    def summary(self) -> pl.DataFrame:
        """One row per venue."""
        kinds = ("liquidations", "equity", "trades", "rejections", "gaps", "deposits")
        return summarise(self.manifest, {kind: getattr(self, kind) for kind in kinds})

    @property
    def hash(self) -> str:
        """Hash over all records: the same inputs give the same one anywhere."""
        return str(self.manifest["result_hash"])

    def __repr__(self) -> str:
        """The verdict and the summary as text."""
        return f"{render(self.manifest, self.summary)}\nresult {self.path}, hash {self.hash[:16]}"


def open_result(path: Path | str) -> Result:
    """Open a run; raises ResultError if there is none or it is damaged."""
    result = Result(path)
    _ = result.manifest
    return result
