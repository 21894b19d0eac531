"""A rulebook's words and dates as the records the compiled core reads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import types
from ..core.types import RULES
from ..errors import RulebookError
from .model import ALWAYS, FOREVER, Instrument, Rulebook, Step, TierTable, at
from .override import override

WORDS: dict[str, tuple[str, Any]] = {
    "tier_key": ("maintenance.tier_key", types.TierKey),
    "tier_rule": ("maintenance.tier_rule", types.TierRule),
    "maintenance_at": ("maintenance.valued_at", types.ValuedAt),
    "close_fee": ("maintenance.close_fee", types.CloseFee),
    "isolated_open": ("initial.isolated_open", types.IsolatedOpen),
    "funding_from": ("funding.from", types.FundingFrom),
    "trigger": ("trigger.compare", types.Trigger),
}
"""RULES fields that hold a word of an enumeration, and the decision they come from."""

NUMBERS = {
    "bankruptcy_fee": "bankruptcy.fee_included",
    "maker_fee": "fees.maker",
    "taker_fee": "fees.taker",
    "clearance_fee": "fees.clearance",
}
FORM = (types.TierRule, types.TierKey, types.ValuedAt)
MODES = ("isolated", "cross")
INITIAL = ("initial.isolated_valued_at", "initial.valued_at")
"""What values a position for its initial margin, by mode."""


def resolve(
    rulebook: Rulebook,
    symbol: str,
    since_ms: int,
    until_ms: int,
    *,
    overrides: Mapping[str, str | float | bool] | None = None,
    strict: bool = False,
) -> NDArray[Any]:
    """One RULES record per period of [since, until) in which nothing changes, in date order.

    The first record is valid from ever, the last for ever. `extrapolated` is 1 before the
    first tier table, after the day a table was last seen, and after `checked_until`; with
    `strict` such a date is a RulebookError. `overrides` are dotted decision keys.
    """
    book = override(rulebook, overrides or {})
    if symbol not in book.tiers:
        book.match(symbol)
    instrument, tables = book.instrument(symbol), book.tiers[symbol]
    starts = [since_ms, *_changes(book, instrument, tables, since_ms, until_ms)]
    records = np.zeros(len(starts), dtype=RULES)
    for record, start in zip(records, starts, strict=True):
        _fill(record, book, instrument, at(tables, start), start)
        record["extrapolated"] = is_extrapolated(book, tables, start)
    if strict:
        _refuse_extrapolated(book, symbol, records, starts)
    return _joined(records, starts)


def rules_at(book: Rulebook, instrument: Instrument, table: TierTable, ts_ms: int) -> NDArray[Any]:
    """The RULES record of a contract and a tier table under a rulebook's decisions at a date."""
    records = np.zeros(1, dtype=RULES)
    _fill(records[0], book, instrument, table, ts_ms)
    records["valid_from"], records["valid_to"] = ALWAYS, FOREVER
    return records


def _changes(
    book: Rulebook, instrument: Instrument, tables: tuple[TierTable, ...], since: int, until: int
) -> list[int]:
    """Moments strictly inside the span at which something may change."""
    used = [key for key in book.decisions if not key.startswith(("display.", "borrow."))]
    revisions = [r for key in used for r in book.decisions[key]]
    revisions += [r for sizes in instrument.sizes.values() for r in sizes]
    moments = {r.valid_from for r in revisions} | {t.valid_from for t in tables}
    moments |= {book.checked_until + 1} | {t.seen_until + 1 for t in tables}
    moments |= {t.seen_from for t in tables}
    return sorted(m for m in moments if since < m < until)


def is_extrapolated(book: Rulebook, tables: tuple[TierTable, ...], ts_ms: int) -> bool:
    """Whether no table is known to have been in force at a date."""
    table = at(tables, ts_ms)
    first = max(table.valid_from, table.seen_from)
    return ts_ms < first or ts_ms > min(book.checked_until, table.seen_until)


def _fill(record: Any, book: Rulebook, instrument: Instrument, table: TierTable, ts: int) -> None:
    for field, (key, enum) in WORDS.items():
        record[field] = enum[str(book.at(key, ts).value).upper()]
    for field, key in NUMBERS.items():
        record[field] = book.at(key, ts).value
    for field in ("lot", "tick", "min_size", "min_notional"):
        record[field] = at(instrument.sizes[field], ts).value
    _refuse_unsolvable(book, record)
    _fill_tiers(record, table, instrument.contract_size)
    for mode, name in enumerate(MODES):
        record["initial_at"][mode] = types.ValuedAt[str(book.at(INITIAL[mode], ts).value).upper()]
        process = book.process(name, ts)
        record["healthy_ratio"][mode] = process.healthy_ratio
        record["n_steps"][mode] = len(process.steps)
        for i, step in enumerate(process.steps):
            _fill_step(record["steps"][mode, i], step)


SOLVABLE = {
    (types.TierRule.PROGRESSIVE, types.TierKey.NOTIONAL_AT_MARK, types.ValuedAt.MARK),
    (types.TierRule.PROGRESSIVE, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.MARK),
    (types.TierRule.FLAT, types.TierKey.SIZE, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.SIZE, types.ValuedAt.MARK),
}
"""Forms of the requirement with one liquidation price: a deduction is continuous in the value the
table is keyed on, and a flat rate must not jump with the mark."""


def _refuse_unsolvable(book: Rulebook, record: Any) -> None:
    form = tuple(int(record[field]) for field in ("tier_rule", "tier_key", "maintenance_at"))
    if form in SOLVABLE:
        return
    rule, key, at_price = (e(v).name.lower() for e, v in zip(FORM, form, strict=True))
    forms = "; ".join(", ".join(e.name.lower() for e in one) for one in sorted(SOLVABLE))
    raise RulebookError(
        f"{book.id}: a {rule} table keyed on {key} with the maintenance margin at {at_price} has "
        f"no single liquidation price; use a form that has (rule, key, valued at): {forms}."
    )


def _fill_tiers(record: Any, table: TierTable, contract_size: float) -> None:
    unit = contract_size if table.unit == "contracts" else 1.0
    n = len(table.floors)
    record["n_tiers"], record["cap"] = n, table.cap * unit
    record["tiers_complete"] = table.complete
    record["floor"][:n] = np.array(table.floors) * unit
    record["rate"][:n] = table.rates
    if record["tier_rule"] == types.TierRule.PROGRESSIVE:
        record["deduction"][:n] = table.deductions
    record["max_leverage"][:n] = table.max_leverages


def _fill_step(record: Any, step: Step) -> None:
    record["size_kind"] = types.StepSize[step.size.upper()]
    record["exit"] = types.StepExit[step.exit.upper()]
    record["fee"] = types.StepFee[step.fee.upper()]
    for name in ("fee_to_fund", "must_cure", "covers_first_tier", "min_tier", "amount"):
        record[name] = getattr(step, name)
    record["min_notional"] = step.min_notional
    record["min_margin_ratio"] = step.min_margin_ratio
    record["wait_ms"] = round(step.wait_seconds * 1000)


def _joined(records: NDArray[Any], starts: list[int]) -> NDArray[Any]:
    """Records without repetition, with their dates filled in."""
    keep = [
        i for i in range(len(records)) if i == 0 or records[i].tobytes() != records[i - 1].tobytes()
    ]
    result = records[keep]
    result["valid_from"] = [ALWAYS, *(starts[i] for i in keep[1:])]
    result["valid_to"] = [*(starts[i] for i in keep[1:]), FOREVER]
    return result


def _refuse_extrapolated(
    book: Rulebook, symbol: str, records: NDArray[Any], starts: list[int]
) -> None:
    for record, start in zip(records, starts, strict=True):
        if record["extrapolated"]:
            day = np.datetime64(start, "ms").astype("datetime64[D]")
            raise RulebookError(
                f"{book.id} has no tier table of {symbol} that is known to hold on {day}; "
                "choose another span or allow extrapolated rules (without --strict-rules)."
            )
