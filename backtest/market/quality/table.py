"""The rows of one file of a store, whole, as arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from backtest.errors import DataError
from backtest.market.check import Floats, Ints, check_schema
from backtest.market.layout import VALUE_COLUMNS
from backtest.market.series import PARQUET_ERRORS, unreadable


@dataclass(frozen=True)
class Table:
    """Stamps in ms and the value columns of a file, and the symbol that it names."""

    path: Path
    ts: Ints
    values: dict[str, Floats]
    symbol: str | None

    def __len__(self) -> int:
        return len(self.ts)

    def rows(self, which: Ints) -> dict[str, Floats]:
        """The values of some rows."""
        return {name: column[which] for name, column in self.values.items()}


def read_table(path: Path, kind: str) -> Table:
    """Read a file of a kind. Raises DataError where it is not Parquet or its columns are wrong."""
    columns = ["ts", *VALUE_COLUMNS[kind]]
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            check_schema(file.schema_arrow, kind, path)
            notes = file.metadata.metadata or {}
            table = file.read(columns=columns)
    except PARQUET_ERRORS as error:
        raise unreadable(path, error) from error
    stamps = table.column("ts")
    if stamps.null_count:
        raise DataError(f"{path} has {stamps.null_count} rows without ts; write the file again.")
    ts = stamps.to_numpy().astype("datetime64[ms]").astype(np.int64)
    values = {name: table.column(name).to_numpy().astype(np.float64) for name in columns[1:]}
    symbol = notes.get(b"ccxt_symbol")
    return Table(path, ts, values, symbol.decode(errors="replace") if symbol else None)


def joined(tables: list[Table]) -> Table:
    """The rows of several files in order of time, one per stamp: that of the first file with it."""
    if len(tables) == 1 and bool((np.diff(tables[0].ts) > 0).all()):
        return tables[0]
    stamps = np.concatenate([t.ts for t in tables])
    _, rows = np.unique(stamps, return_index=True)
    names = tables[0].values
    values = {n: np.concatenate([t.values[n] for t in tables])[rows] for n in names}
    return Table(tables[0].path, stamps[rows], values, tables[0].symbol)
