"""The record files of a run: one Parquet file per kind, and a hash over all of them.

Records are gathered per account and appended in large row groups, so memory stays flat. The
result hash covers the numbers of every kind in order: the same inputs give the same hash.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .columns import Names, Records, schemas, to_table
from .core.state import DTYPES, KINDS
from .journal import Journal

GATHERED_BYTES = 4 << 20
"""An account's records are written once they take this much memory."""


class Recorder:
    """Writes the records of one run into a folder, kind by kind, and hashes them.

    Whatever it is given goes into its `journal` as well, if it has one.
    """

    def __init__(self, folder: Path, metadata: Mapping[str, str]) -> None:
        self.journal: Journal | None = None
        self._schemas = schemas()
        self.rows = dict.fromkeys(self._schemas, 0)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._hashes: dict[tuple[str, ...], Any] = {}
        self._gathered: dict[Names, dict[str, list[Records]]] = {}
        self._bytes: dict[Names, int] = {}
        self._open(folder, metadata)

    def _open(self, folder: Path, metadata: Mapping[str, str]) -> None:
        for kind, schema in self._schemas.items():
            words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
            writer = self._writers[kind] = pq.ParquetWriter(
                folder / f"{kind}.parquet",
                schema,
                compression="snappy",  # a sixth larger than zstd, at two thirds of the time
                use_dictionary=words,  # numbers rarely repeat: looking for that costs time
                store_schema=False,  # so that words are read back as plain text
            )
            writer.add_key_value_metadata(metadata)

    def __enter__(self) -> "Recorder":
        """All files exist, without rows."""
        return self

    def add(self, names: Names, records: Mapping[str, Records]) -> None:
        """Append one account's core records, of every kind and over the same bars."""
        if self.journal is not None:
            given = {kind: new for kind, new in records.items() if len(new)}
            if given:
                size = sum(new.nbytes for new in given.values())
                self.journal.note("records", (names.venue, names.path, given), size)
        lists = self._gathered.setdefault(names, {kind: [] for kind in KINDS})
        for kind, new in records.items():
            if len(new):
                lists[kind].append(new)
                self._hash((kind, names.venue, names.path, *names.symbols), new)
                self._bytes[names] = self._bytes.get(names, 0) + new.nbytes
        if self._bytes.get(names, 0) > GATHERED_BYTES:
            self._write_gathered(names)

    def add_gaps(self, venue: str, gaps: Iterable[Mapping[str, Any]]) -> None:
        """Append holes in the data: mappings with symbol, kind, start, stop, bars."""
        rows = [{**gap, "venue": venue, "ts": gap["start"]} for gap in gaps]
        if self.journal is not None and rows:
            self.journal.note("gaps", (venue, rows), len(rows))
        if rows:
            self._hash(("gaps", venue), repr([sorted(row.items()) for row in rows]).encode())
            self._write("gaps", pa.Table.from_pylist(rows, self._schemas["gaps"]))

    def _hash(self, key: tuple[str, ...], content: Any) -> None:
        """Blocks of any size feed the same bytes, so the hash does not depend on them."""
        self._hashes.setdefault(key, hashlib.sha256()).update(content)

    def _write_gathered(self, names: Names) -> None:
        lists = self._gathered[names]
        together = {
            kind: np.concatenate([np.zeros(0, dtype), *lists[kind]])
            for kind, dtype in zip(KINDS, DTYPES, strict=True)
        }
        for kind in KINDS:
            if len(together[kind]):
                self._write(kind, to_table(kind, together, names))
            lists[kind].clear()
        self._bytes[names] = 0

    def _write(self, kind: str, table: pa.Table) -> None:
        self._writers[kind].write_table(table)
        self.rows[kind] += table.num_rows

    def finish(self) -> str:
        """Write what is left and close all files; returns the result hash."""
        for names in self._gathered:
            self._write_gathered(names)
        for writer in self._writers.values():
            writer.close()
        total = hashlib.sha256()
        for key in sorted(self._hashes):
            total.update(" ".join(key).encode() + self._hashes[key].digest())
        return total.hexdigest()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the files; after a failure to write, closing them fails again and is moot."""
        for writer in self._writers.values():
            with suppress(OSError):
                writer.close()
            writer.is_open = False
