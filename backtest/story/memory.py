"""Records of a replay as frames in memory."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from ..columns import Records
from ..records import Recorder
from ..result import SORT_KEYS

SAMPLES = ("margin", "equity")


class Memory(Recorder):
    """Keeps records as frames instead of files.

    Of samples only those of the bar `at` and from `since` on, or none: there is one per bar.
    """

    def __init__(self, at: int | None = None, since: int | None = None) -> None:
        self._tables: dict[str, list[pa.Table]] = defaultdict(list)
        self._at, self._since = at, since
        super().__init__(Path(), {})

    def _open(self, folder: Path, metadata: Mapping[str, str]) -> None:
        """There are no files."""

    def _write(self, kind: str, table: pa.Table) -> None:
        self._tables[kind].append(table)

    def add(self, names: Any, records: Mapping[str, Records]) -> None:
        """Take one account's core records of every kind over the same bars."""
        super().add(names, {kind: self._wanted(kind, new) for kind, new in records.items()})

    def _wanted(self, kind: str, new: Records) -> Records:
        if kind not in SAMPLES:
            return new
        if self._since is None:
            return new[:0]
        kept: Records = new[(new["ts"] == self._at) | (new["ts"] >= self._since)]
        return kept

    def frame(self, kind: str) -> pl.DataFrame:
        """The records of a kind as `Result.frame` gives them; call `finish` before."""
        tables = self._tables[kind] or [self._schemas[kind].empty_table()]
        frame = pl.DataFrame(pl.from_arrow(pa.concat_tables(tables, promote_options="permissive")))
        text = pl.col(pl.Categorical).cast(pl.String)
        keys = [key for key in SORT_KEYS if key in frame.columns]
        return frame.with_columns(text).sort(keys, maintain_order=True)
