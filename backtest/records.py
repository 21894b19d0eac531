"""Core records become columns: Parquet files with names, units and venue, and a hash over all.

One writer per kind of record appends as blocks are done, so memory stays flat. The result hash
covers the numbers of every kind in order: the same inputs give the same hash anywhere.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .core.state import DTYPES, KINDS, Cause, Reason, Rejected

TIME = pa.timestamp("ms", tz="UTC")
Records = NDArray[Any]
EXIT_REASONS = {Reason.SIGNAL: "signal", Reason.LIQUIDATION: "liquidation", Reason.END: "end"}
SCOPES = ("position", "account")
HIDDEN = ("rule", "rule_step", "pool")
FLAGS = ("mark_is_proxy", "rules_extrapolated", "is_assumed")
TIMES = ("ts", "entry_time", "exit_time")


@dataclass(frozen=True)
class Names:
    """What the numbers in the records of one account stand for."""

    venue: str
    symbols: tuple[str, ...]
    assets: tuple[str, ...]
    step_names: Callable[[int, int], str]


def _words(values: Records, words: tuple[str, ...]) -> pa.Array:
    indices = pa.array(values.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string())).cast(pa.string())


def _enum(values: Records, kind: Any) -> pa.Array:
    return _words(values, tuple(member.name.lower().replace("_", " ") for member in kind))


def _sides(values: Records) -> pa.Array:
    return _words(values + 1, ("short", "flat", "long"))


def _ratio(top: Records, bottom: Records) -> Records:
    """top / bottom; infinite where nothing is left below, 0 where nothing is asked."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(bottom > 0, top / bottom, np.inf)
    return np.where(top > 0, ratio, 0.0)


def _column(name: str, records: Records, names: Names) -> pa.Array:
    values = records[name]
    if name in TIMES:
        return pa.array(values, TIME)
    if name == "symbol":
        return _words(values, names.symbols)
    if name == "side":
        return _sides(values)
    if name == "scope":
        return _words(values, SCOPES)
    if name == "cause":
        return _enum(values, Cause)
    if name == "exit_reason":
        return _words(values, tuple(EXIT_REASONS.values()))
    if name in FLAGS:
        return pa.array(values.astype(bool))
    return pa.array(values)


def _liquidation_extras(records: Records, names: Names) -> dict[str, pa.Array]:
    pairs = zip(records["rule"].tolist(), records["rule_step"].tolist(), strict=True)
    return {"step_name": pa.array([names.step_names(*pair) for pair in pairs], pa.string())}


def _equity_extras(records: Records, names: Names) -> dict[str, pa.Array]:
    equity = records["equity"]
    return {
        "margin_ratio": pa.array(_ratio(records["maintenance_margin"], equity)),
        "available": pa.array(np.maximum(equity - records["initial_margin"], 0.0)),
        "effective_leverage": pa.array(_ratio(records["notional"], equity)),
        "asset": _words(records["pool"], names.assets),
    }


def _margin_extras(records: Records, names: Names) -> dict[str, pa.Array]:
    side, mark, level = (
        np.sign(records["size"]),
        records["mark_price"],
        records["liquidation_price"],
    )
    bucket = records["isolated_margin"] + records["unrealized_pnl"]
    isolated = records["isolated_margin"] != 0.0
    ratio = np.where(isolated, _ratio(records["maintenance_margin"], bucket), np.nan)
    return {
        "margin_ratio": pa.array(ratio),
        "distance_to_liquidation": pa.array(side * (mark - level) / mark),
    }


def _reasons(kind: Any) -> Callable[[Records, Names], dict[str, pa.Array]]:
    return lambda records, names: {"reason": _enum(records["reason"], kind)}


def _deposit_extras(records: Records, names: Names) -> dict[str, pa.Array]:
    return {"asset": _words(records["pool"], names.assets)}


EXTRAS: Mapping[str, Callable[[Records, Names], dict[str, pa.Array]]] = {
    "liquidations": _liquidation_extras,
    "equity": _equity_extras,
    "margin": _margin_extras,
    "fills": _reasons(Reason),
    "rejections": _reasons(Rejected),
    "deposits": _deposit_extras,
}


def to_table(kind: str, records: Records, names: Names) -> pa.Table:
    """Core records of a kind as an Arrow table with the columns users read."""
    columns: dict[str, pa.Array] = {}
    for name in records.dtype.names or ():
        if name in HIDDEN:
            continue
        columns[name] = _column(name, records, names) if name != "reason" else None
        if len(columns) == 1:
            columns["venue"] = pa.array([names.venue] * len(records), pa.string())
    if kind in EXTRAS:
        columns.update(EXTRAS[kind](records, names))
    return pa.table(columns)


GAP_SCHEMA = pa.schema(
    [
        ("ts", TIME),
        ("venue", pa.string()),
        ("symbol", pa.string()),
        ("kind", pa.string()),
        ("start", TIME),
        ("stop", TIME),
        ("bars", pa.int64()),
    ]
)


class Recorder:
    """Writes the records of one run into a folder, kind by kind, and hashes them."""

    def __init__(self, folder: Path, metadata: Mapping[str, str]) -> None:
        self._folder = folder
        self._metadata = {k.encode(): v.encode() for k, v in metadata.items()}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._hashes: dict[tuple[str, str], Any] = {}
        self.rows = dict.fromkeys((*KINDS, "gaps"), 0)
        nobody = Names("", ("",), ("",), lambda rule, step: "")
        for kind, dtype in zip(KINDS, DTYPES, strict=True):
            self._open(kind, to_table(kind, np.zeros(0, dtype), nobody).schema)
        self._open("gaps", GAP_SCHEMA)

    def _open(self, kind: str, schema: pa.Schema) -> None:
        path = self._folder / f"{kind}.parquet"
        schema = schema.with_metadata(self._metadata)
        self._writers[kind] = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, kind: str, records: Records, names: Names) -> None:
        """Append core records of a kind."""
        if len(records) == 0:
            return
        self._hash(kind, names.venue, records.tobytes())
        self._write(kind, to_table(kind, records, names))

    def add_gaps(self, venue: str, gaps: list[Mapping[str, Any]]) -> None:
        """Append holes in the data: mappings with symbol, kind, start, stop, bars."""
        if not gaps:
            return
        rows = [{**gap, "venue": venue, "ts": gap["start"]} for gap in gaps]
        self._hash("gaps", venue, repr([sorted(row.items()) for row in rows]).encode())
        self._write("gaps", pa.Table.from_pylist(rows, GAP_SCHEMA))

    def _hash(self, kind: str, venue: str, content: bytes) -> None:
        """Blocks of any size feed the same bytes, so the hash does not depend on them."""
        self._hashes.setdefault((kind, venue), hashlib.sha256()).update(content)

    def _write(self, kind: str, table: pa.Table) -> None:
        self._writers[kind].write_table(table.cast(self._writers[kind].schema))
        self.rows[kind] += table.num_rows

    def close(self) -> str:
        """Finish all files; returns the result hash."""
        for writer in self._writers.values():
            writer.close()
        total = hashlib.sha256()
        for key in sorted(self._hashes):
            total.update(" ".join(key).encode() + self._hashes[key].digest())
        return total.hexdigest()
