"""A rulebook's words and dates as the records the compiled core reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import types
from ..core.types import RULES
from ..errors import RulebookError
from .check import DAY_MS
from .listing import listed_table, listed_until, refuse_unlisted
from .model import ALWAYS, FOREVER, Instrument, Rulebook, Step, TierTable, at
from .override import OWN_FEES, override

WORDS: dict[str, tuple[str, Any]] = {
    "tier_key": ("maintenance.tier_key", types.TierKey),
    "tier_rule": ("maintenance.tier_rule", types.TierRule),
    "maintenance_at": ("maintenance.valued_at", types.ValuedAt),
    "close_fee": ("maintenance.close_fee", types.CloseFee),
    "next_funding": ("maintenance.next_funding", types.NextFunding),
    "initial_at": ("initial.valued_at", types.ValuedAt),
    "initial_rate": ("initial.rate", types.InitialRate),
    "isolated_open": ("initial.isolated_open", types.IsolatedOpen),
    "funding_from": ("funding.from", types.FundingFrom),
    "trigger": ("trigger.compare", types.Trigger),
    "gains": ("cross.gains", types.Gains),
    "order": ("liquidation.order", types.LiquidationOrder),
    "order_margin": ("orders.margin", types.OrderMargin),
    "cancels_orders": ("orders.cancelled", types.CancelsOrders),
}
"""RULES fields that hold a word of an enumeration, and the decision they come from."""

NUMBERS = {
    "bankruptcy_fee": "bankruptcy.fee_included",
    "maker_fee": "fees.maker",
    "taker_fee": "fees.taker",
    "clearance_fee": "fees.clearance",
    "delivery_fee": "fees.delivery",
    "max_open_orders": "orders.max_open",
}


def resolve(
    rulebook: Rulebook,
    symbol: str,
    since_ms: int,
    until_ms: int,
    *,
    mode: str = "isolated",
    leverage: float = 1.0,
    overrides: Mapping[str, str | float | bool] | None = None,
    strict: bool = False,
    as_of: int | None = None,
) -> NDArray[Any]:
    """One RULES record per period of [since, until) in which nothing changes, in date order.

    `mode` is the margin mode; `leverage` matters where rates depend on it. The first record is
    valid from ever, the last for ever. `extrapolated` is 1 before the first tier table, after the
    day a table was last seen, and after `checked_until`; with `strict` such a date is a
    RulebookError. `overrides` are dotted decision keys. With `as_of` (ms) the rules of that date
    hold all the time.
    """
    book = override(rulebook, overrides or {})
    if mode not in book.modes:
        raise RulebookError(
            f"{book.id} has no {mode} margin; use {' or '.join(book.modes)} (--margin)."
        )
    instrument = book.instrument(symbol)
    tables = book.tables(instrument.family, mode)
    if not tables:
        raise RulebookError(f"{book.id} has no {mode} tiers of {symbol}; change --margin.")
    first = since_ms if as_of is None else as_of
    refuse_unlisted(book.id, symbol, tables, first, first + 1 if as_of is not None else until_ms)
    starts = [since_ms, *_changes(book, instrument, tables, since_ms, until_ms)]
    records = np.zeros(len(starts), dtype=RULES)
    for record, start in zip(records, starts, strict=True):
        when = start if as_of is None else as_of
        table = listed_table(tables, when)
        _fill(record, Terms(book, instrument, table, mode, leverage, when))
        if as_of is None:
            record["expires"] = min(instrument.expires, listed_until(tables, when))
        record["extrapolated"] = is_extrapolated(book, tables, when)
    if strict:
        _refuse_extrapolated(book, symbol, records, starts)
    return _joined(records, starts)


@dataclass(frozen=True)
class Terms:
    """What one RULES record is made of: a contract, its tier table, a margin mode and a date."""

    book: Rulebook
    instrument: Instrument
    table: TierTable
    mode: str
    leverage: float
    ts: int

    def value(self, key: str) -> Any:
        """The value of a decision for this contract in this mode."""
        return self.book.at(key, self.ts, self.instrument.contract, self.mode).value

    def word(self, key: str, enum: Any) -> int:
        """The number of a decision that is a word."""
        return int(enum[str(self.value(key)).upper()])


def rules_at(
    book: Rulebook,
    instrument: Instrument,
    table: TierTable,
    ts_ms: int,
    mode: str = "isolated",
    leverage: float = 1.0,
) -> NDArray[Any]:
    """The RULES record of a contract and a tier table under a rulebook's decisions at a date."""
    records = np.zeros(1, dtype=RULES)
    _fill(records[0], Terms(book, instrument, table, mode, leverage, ts_ms))
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
    moments |= {t.valid_from + DAY_MS for t in tables if t.valid_from > book.checked_until - DAY_MS}
    return sorted(m for m in moments if since < m < until)


def is_extrapolated(book: Rulebook, tables: tuple[TierTable, ...], ts_ms: int) -> bool:
    """Whether no table is known to have been in force at a date."""
    table = at(tables, ts_ms)
    first = max(table.valid_from, table.seen_from)
    # a table newer than the rulebook's last look is known on its own day
    looked = max(book.checked_until, table.valid_from + DAY_MS - 1)
    return ts_ms < first or ts_ms > min(looked, table.seen_until)


def _fill(record: Any, terms: Terms) -> None:
    instrument, ts = terms.instrument, terms.ts
    for field, (key, enum) in WORDS.items():
        record[field] = terms.word(key, enum)
    for field, key in NUMBERS.items():
        record[field] = terms.value(key)
    for field in ("lot", "tick", "min_size", "min_notional"):
        record[field] = at(instrument.sizes[field], ts).value
    _fill_contract(record, terms)
    _refuse_unsolvable(terms.book, record)
    _fill_tiers(record, terms)
    process = terms.book.process(terms.mode, ts, instrument.contract, terms.mode)
    record["healthy_ratio"] = process.healthy_ratio
    record["n_steps"] = len(process.steps)
    for i, step in enumerate(process.steps):
        _fill_step(record["steps"][i], step)


def _fill_contract(record: Any, terms: Terms) -> None:
    """What a contract has of its own: its kind, its fees, its end, its two legs."""
    book, instrument = terms.book, terms.instrument
    record["inverse"] = instrument.contract == "inverse"
    record["multiplier"], record["expires"] = instrument.multiplier, instrument.expires
    for name in OWN_FEES.values():
        if name in instrument.sizes:
            record[name] = at(instrument.sizes[name], terms.ts).value
    record["close_fee_rate"] = record["taker_fee"]
    if "fees.closing" in book.decisions:
        record["close_fee_rate"] = terms.value("fees.closing")
    if "hedge.legs" in book.decisions:
        record["legs"] = terms.word("hedge.legs", types.Legs)
    record["trigger_band"] = terms.value("orders.band") or inf
    record["frozen"] = terms.value("maintenance.change") == "when_touched"


SOLVABLE = {
    (types.TierRule.PROGRESSIVE, types.TierKey.NOTIONAL_AT_MARK, types.ValuedAt.MARK),
    (types.TierRule.PROGRESSIVE, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.NOTIONAL_AT_MARK, types.ValuedAt.MARK),
    (types.TierRule.FLAT, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.NOTIONAL_AT_ENTRY, types.ValuedAt.MARK),
    (types.TierRule.FLAT, types.TierKey.SIZE, types.ValuedAt.ENTRY),
    (types.TierRule.FLAT, types.TierKey.SIZE, types.ValuedAt.MARK),
    (types.TierRule.LINEAR_IN_SIZE, types.TierKey.SIZE, types.ValuedAt.MARK),
}
"""Forms of the requirement that can be solved for the mark: a deduction is continuous in the value
the table is keyed on, and a rate that grows with size does so at the mark."""


FORM = (types.TierRule, types.TierKey, types.ValuedAt)
"""What the three words of a form are."""


def _refuse_unsolvable(book: Rulebook, record: Any) -> None:
    form = tuple(int(record[field]) for field in ("tier_rule", "tier_key", "maintenance_at"))
    if form[0] == types.TierRule.OVER_LEVERAGE:
        form = (int(types.TierRule.FLAT), *form[1:])
    if form in SOLVABLE:
        return
    rule, key, at_price = (e(v).name.lower() for e, v in zip(FORM, form, strict=True))
    forms = "; ".join(", ".join(e.name.lower() for e in one) for one in sorted(SOLVABLE))
    raise RulebookError(
        f"{book.id}: a {rule} table keyed on {key} with the maintenance margin at {at_price} has "
        f"no single liquidation price; use a form that has (rule, key, valued at): {forms}."
    )


def _fill_tiers(record: Any, terms: Terms) -> None:
    table = terms.table
    unit = terms.instrument.contract_size if table.unit == "contracts" else 1.0
    n = len(table.floors)
    record["n_tiers"], record["cap"] = n, table.cap * unit
    record["tiers_complete"] = table.complete
    record["floor"][:n] = np.array(table.floors) * unit
    record["rate"][:n] = table.rates
    record["max_leverage"][:n] = table.max_leverages
    for field in ("rate_slope", "rate_cap", "initial_slope"):
        record[field] = getattr(table, field)
    if record["tier_rule"] == types.TierRule.PROGRESSIVE:
        record["deduction"][:n] = table.deductions
    if record["tier_rule"] == types.TierRule.OVER_LEVERAGE:
        record["tier_rule"] = types.TierRule.FLAT
        record["rate"][:n] /= terms.leverage


COPIED = (
    "fee_to_fund", "must_cure", "covers_first_tier", "min_tier", "amount", "at_least", "at_most",
    "spread", "min_notional", "min_margin_ratio",
)  # fmt: skip
"""Fields of a step that the record takes as they are."""


def _fill_step(record: Any, step: Step) -> None:
    record["size_kind"] = types.StepSize[step.size.upper()]
    record["exit"] = types.StepExit[step.exit.upper()]
    record["fee"] = types.StepFee[step.fee.upper()]
    for name in COPIED:
        record[name] = getattr(step, name)
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
