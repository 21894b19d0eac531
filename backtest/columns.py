"""Core records become columns: the names, words and derived figures that users read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .core.state import DTYPES, KINDS, Cause, Certainty, Reason, Rejected, Source
from .legs import POSITION_SIDES

TIME = pa.timestamp("ms", tz="UTC")
TEXT = pa.dictionary(pa.int32(), pa.string())
Records = NDArray[Any]
Columns = dict[str, pa.Array]
SCOPES = ("position", "account")
HIDDEN = ("rule", "rule_step", "pool", "reason")
FLAGS = ("mark_is_proxy", "rules_extrapolated", "is_assumed")
ENUMS = {"cause": Cause, "certainty": Certainty, "exit_reason": Reason, "source": Source}
TIMES = ("ts", "entry_time", "exit_time")


@dataclass(frozen=True)
class Names:
    """What the numbers in the records of one account stand for.

    `pools` holds the pool of each symbol; `cross` says whether a pool is one bucket, `hedge`
    whether the records name positions that are long and short legs (`legs.Positions`). `path` is
    that of the life they are of (`core.state.Path`).
    """

    venue: str
    symbols: tuple[str, ...]
    assets: tuple[str, ...]
    pools: tuple[int, ...]
    cross: bool
    step_names: Callable[[int, int], str]
    hedge: bool = False
    path: str = "both"


def _words(values: Records, words: tuple[str, ...]) -> pa.Array:
    """Numbers as the words they stand for; kept as numbers and a list, which is half the work."""
    indices = pa.array(values.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _enum(values: Records, kind: Any) -> pa.Array:
    return _words(values, tuple(member.name.lower().replace("_", " ") for member in kind))


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
        return _words(values % len(names.symbols), names.symbols)
    if name == "side":
        return _words(values + 1, ("short", "flat", "long"))
    if name == "scope":
        return _words(values, SCOPES)
    if name in ENUMS:
        return _enum(values, ENUMS[name])
    if name in FLAGS:
        return pa.array(values.astype(bool))
    return pa.array(values)


def _named(name: str, records: Records, names: Names) -> Columns:
    """A column; that of the symbol brings along which of its positions is meant."""
    found = {name: _column(name, records, names)}
    if name == "symbol":
        side = 1 + records[name] // len(names.symbols) if names.hedge else np.zeros(len(records))
        found["position_side"] = _words(side, POSITION_SIDES)
    return found


def _liquidation_extras(all_: Mapping[str, Records], names: Names) -> Columns:
    records = all_["liquidations"]
    pairs = zip(records["rule"].tolist(), records["rule_step"].tolist(), strict=True)
    return {"step_name": pa.array([names.step_names(*pair) for pair in pairs], TEXT)}


def _samples(all_: Mapping[str, Records], names: Names) -> NDArray[np.intp]:
    """For each margin record the number of the equity record of its pool and time."""
    margin, equity = all_["margin"], all_["equity"]
    pools = np.array(names.pools, np.int64)[margin["symbol"] % len(names.symbols)]
    found = np.zeros(len(margin), np.intp)
    for pool in range(len(names.assets)):
        mine, theirs = pools == pool, np.flatnonzero(equity["pool"] == pool)
        at = np.searchsorted(equity["ts"][theirs], margin["ts"][mine])
        found[mine] = theirs[at] if len(theirs) else 0
    return found


def _buckets(all_: Mapping[str, Records], names: Names) -> dict[str, Records]:
    """What each margin record's bucket has and needs: its own margin, or its pool."""
    margin, equity = all_["margin"], all_["equity"]
    if names.cross:
        pool = equity[_samples(all_, names)]
        needs = ("equity", "maintenance_margin", "initial_margin", "notional")
        return {name: pool[name] for name in needs}
    return {
        "equity": margin["isolated_margin"] + margin["unrealized_pnl"],
        "maintenance_margin": margin["maintenance_margin"],
        "initial_margin": margin["initial_margin"],
        "notional": np.abs(margin["size"]) * margin["mark_price"],
    }


def _equity_extras(all_: Mapping[str, Records], names: Names) -> Columns:
    records = all_["equity"]
    equity, free = records["equity"], records["cash"]
    if names.cross:
        ratio = _ratio(records["maintenance_margin"], equity)
        free = equity - records["initial_margin"]
    else:
        ratio, own = np.zeros(len(records)), _buckets(all_, names)
        worst = _ratio(own["maintenance_margin"], own["equity"])
        np.maximum.at(ratio, _samples(all_, names), worst)
    return {
        "margin_ratio": pa.array(ratio),
        "available": pa.array(np.maximum(free, 0.0)),
        "effective_leverage": pa.array(_ratio(records["notional"], equity)),
        "asset": _words(records["pool"], names.assets),
    }


def _margin_extras(all_: Mapping[str, Records], names: Names) -> Columns:
    records, bucket = all_["margin"], _buckets(all_, names)
    mark, away = records["mark_price"], records["mark_price"] - records["liquidation_price"]
    # two legs share a price, which lies on the adverse side of one of them only
    away = np.abs(away) if names.hedge and names.cross else np.sign(records["size"]) * away
    return {
        "equity": pa.array(bucket["equity"]),
        "margin_ratio": pa.array(_ratio(bucket["maintenance_margin"], bucket["equity"])),
        "available": pa.array(np.maximum(bucket["equity"] - bucket["initial_margin"], 0.0)),
        "effective_leverage": pa.array(_ratio(bucket["notional"], bucket["equity"])),
        "distance_to_liquidation": pa.array(away / mark),
    }


def _reasons(kind: str, words: Any) -> Callable[[Mapping[str, Records], Names], Columns]:
    return lambda all_, names: {"reason": _enum(all_[kind]["reason"], words)}


def _deposit_extras(all_: Mapping[str, Records], names: Names) -> Columns:
    return {"asset": _words(all_["deposits"]["pool"], names.assets)}


EXTRAS: Mapping[str, Callable[[Mapping[str, Records], Names], Columns]] = {
    "liquidations": _liquidation_extras,
    "equity": _equity_extras,
    "margin": _margin_extras,
    "fills": _reasons("fills", Reason),
    "rejections": _reasons("rejections", Rejected),
    "deposits": _deposit_extras,
}
"""`margin_ratio`, `available` and `effective_leverage` are those of the bucket: a position's own
margin in isolated mode, its pool in cross mode. In `equity` an isolated account shows the highest
ratio of its buckets, and as available its wallet."""


def to_table(kind: str, all_: Mapping[str, Records], names: Names) -> pa.Table:
    """The core records of a kind as an Arrow table.

    `all_` holds one account's records of every kind over the same bars.
    """
    records = all_[kind]
    shown = [name for name in records.dtype.names or () if name not in HIDDEN]
    columns = _named(shown[0], records, names)
    for name in ("venue", "path"):
        columns[name] = _words(np.zeros(len(records)), (getattr(names, name),))
    for name in shown[1:]:
        columns |= _named(name, records, names)
    if kind in EXTRAS:
        columns |= EXTRAS[kind](all_, names)
    return pa.table(columns)


def schemas() -> dict[str, pa.Schema]:
    """The columns of every kind of record, `gaps` included."""
    nobody = Names("", ("",), ("",), (0,), False, lambda rule, step: "")
    nothing = {kind: np.zeros(0, dtype) for kind, dtype in zip(KINDS, DTYPES, strict=True)}
    found = {kind: to_table(kind, nothing, nobody).schema for kind in KINDS}
    words = [(name, TEXT) for name in ("venue", "symbol", "kind")]
    times = [("start", TIME), ("stop", TIME), ("bars", pa.int64())]
    return {**found, "gaps": pa.schema([("ts", TIME), *words, *times])}
