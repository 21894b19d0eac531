"""What a loaded rulebook is: frozen values, each with its date, source and confidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import TypeVar

from ..errors import RulebookError, UnknownNameError
from .symbols import dated, same_base
from .unknown import unknown_symbol

ALWAYS = -(2**62)
"""Stands for "since ever" where a date in milliseconds is wanted."""
FOREVER = 2**62
HOUR_MS = 3_600_000
DEFAULT = "default"
"""Source of decisions that a rulebook leaves out because most venues agree on them."""


@dataclass(frozen=True)
class Source:
    """Where a fact was read: title, where to find it, and its date as text."""

    title: str
    where: str
    date: str


@dataclass(frozen=True)
class Step:
    """One step of a liquidation process; words are those of `backtest.core.types`.

    `amount` is a margin ratio to reach (cure), a number of tiers (tiers_down) or a fraction;
    a fraction closes value between `at_least` and `at_most`. `spread` belongs to a fillable exit.
    """

    name: str
    size: str
    exit: str
    fee: str
    amount: float = 0.0
    at_least: float = 0.0
    at_most: float = inf
    spread: float = 0.0
    fee_to_fund: bool = False
    must_cure: bool = False
    covers_first_tier: bool = False
    min_tier: int = 1
    min_notional: float = 0.0
    min_margin_ratio: float = 0.0
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class Process:
    """Steps in the order they are tried; repeated until MM / equity <= `healthy_ratio`."""

    steps: tuple[Step, ...]
    healthy_ratio: float = 1.0

    def __str__(self) -> str:
        return " > ".join(step.name for step in self.steps)


Value = str | float | bool | Process


@dataclass(frozen=True)
class Revision:
    """A value of one decision from a date (milliseconds UTC) on."""

    value: Value
    valid_from: int
    source: str
    confidence: str
    note: str = ""

    @property
    def number(self) -> float:
        """The value of a decision that is a number."""
        return float(str(self.value))


@dataclass(frozen=True)
class TierTable:
    """One symbol's tiers from a date on; floors and cap in `unit` (settle, base or contracts).

    `complete` is False where the venue has more rows than are known; then `cap` is the last
    known limit. `seen_from` and `seen_until` are the first and the last date on which the table
    was seen in force, where its own dates are wider: outside them its use is a guess.
    `known_before` is the last look that showed another table. `mode` names the margin mode that
    the table is for, if it is not for both. The slopes are added per base coin of the position
    where rates are linear in size. `listed` is False from the date on which the venue no longer
    lists the symbol; such a table has no tiers.
    """

    valid_from: int
    source: str
    confidence: str
    floors: tuple[float, ...]
    rates: tuple[float, ...]
    deductions: tuple[float, ...]
    max_leverages: tuple[float, ...]
    cap: float
    complete: bool
    unit: str
    mode: str = ""
    rate_slope: float = 0.0
    rate_cap: float = 1.0
    initial_slope: float = 0.0
    known_before: int | None = None
    seen_from: int = ALWAYS
    seen_until: int = FOREVER
    note: str = ""
    listed: bool = True


@dataclass(frozen=True)
class Instrument:
    """A contract; `sizes` holds dated lot, tick, min_size and min_notional.

    Sizes are in base units, of inverse contracts in quote value. `contract_size` is a contract in
    these units, `multiplier` the settle value of one unit per unit of price (1 but for quanto).
    A symbol ending in `-*` stands for all dates of a `family`, whose tiers its members have;
    `expires` is when a member settles (ms).
    """

    symbol: str
    id: str
    contract: str
    settle: str
    base: str
    contract_size: float
    source: str
    confidence: str
    sizes: Mapping[str, tuple[Revision, ...]]
    multiplier: float = 1.0
    expiry_hour: float = 8.0
    expires: int = FOREVER
    family: str = ""


Dated = TypeVar("Dated", Revision, TierTable)


def at(history: tuple[Dated, ...], ts_ms: int) -> Dated:
    """The revision or table in force at a date; before the first, the first serves."""
    current = history[0]
    for one in history:
        if one.valid_from <= ts_ms:
            current = one
    return current


@dataclass(frozen=True)
class Rulebook:
    """One venue's rules: decisions by dotted key, instruments and tier tables by symbol."""

    id: str
    name: str
    settle: str
    contracts: tuple[str, ...]
    modes: tuple[str, ...]
    checked_until: int
    sources: Mapping[str, Source]
    decisions: Mapping[str, tuple[Revision, ...]]
    instruments: Mapping[str, Instrument]
    tiers: Mapping[str, tuple[TierTable, ...]]
    hash: str

    def history(self, key: str, *variants: str) -> tuple[Revision, ...]:
        """All revisions of a decision; of the variants that have an own one, the last wins."""
        for variant in reversed(variants):
            if f"{variant}.{key}" in self.decisions:
                return self.decisions[f"{variant}.{key}"]
        if key not in self.decisions:
            raise UnknownNameError(f"decision of {self.id}", key, self.decisions)
        return self.decisions[key]

    def at(self, key: str, ts_ms: int, *variants: str) -> Revision:
        """The revision of a decision in force at a time; the earliest before the first.

        `variants` are a kind of contract and a margin mode, in this order.
        """
        return at(self.history(key, *variants), ts_ms)

    def tables(self, symbol: str, mode: str) -> tuple[TierTable, ...]:
        """The tier tables of a symbol in a margin mode, in order of date."""
        return tuple(t for t in self.tiers[symbol] if t.mode in ("", mode))

    @property
    def begins(self) -> int:
        """The date of the venue's first dated rule, ms."""
        dates = (one.valid_from for history in self.decisions.values() for one in history)
        return min((date for date in dates if date > ALWAYS), default=ALWAYS)

    def refuse_before(self, ts_ms: int) -> None:
        """Raise a RulebookError for a date before the venue's first rule."""
        if ts_ms < self.begins:
            first, asked = (
                datetime.fromtimestamp(ms / 1000, UTC).date() for ms in (self.begins, ts_ms)
            )
            raise RulebookError(
                f"the rules of {self.id} begin on {first}, and the date asked for is {asked}; "
                "give a later one."
            )

    def latest(self, symbols: Iterable[str]) -> int:
        """The last date (ms) that is known of: the rulebook's, or that of a newer tier table."""
        families = [self.instrument(symbol).family for symbol in symbols]
        tables = [self.tiers[f][-1].valid_from for f in families if f in self.tiers]
        return max([self.checked_until, *tables])

    def symbols(self) -> list[str]:
        """Symbols that can be run: those with an instrument and at least one tier table."""
        return sorted(set(self.instruments) & set(self.tiers))

    def _as_written(self) -> list[str]:
        """Symbols that can be run in the file's order, which has the main ones first."""
        return [symbol for symbol in self.instruments if symbol in self.tiers]

    def instrument(self, symbol: str) -> Instrument:
        """The contract of a symbol, or of the family of a dated one; refuses an unknown one."""
        found = self.instruments.get(symbol)
        if found is not None:
            return replace(found, family=symbol)
        family, expires = dated(symbol)
        if family not in self.instruments:
            raise unknown_symbol(self.id, symbol, self._as_written())
        member = self.instruments[family]
        expires += round(member.expiry_hour * HOUR_MS)
        return replace(member, symbol=symbol, expires=expires, family=family)

    def match(self, symbol: str) -> str:
        """The venue's symbol for a ccxt symbol or for a base coin.

        Itself; for a linear perpetual the one of the same base in a stablecoin of the venue; for
        a coin alone (`BTC`) the venue's main perpetual of it, linear if there is one.
        """
        known = self.symbols()
        if symbol in known or dated(symbol)[0] in known:
            return symbol
        found = same_base(symbol, [self.instruments[name] for name in known], self.settle)
        if found is None:
            raise unknown_symbol(self.id, symbol, self._as_written())
        return found

    def funding_interval_hours(self, symbol: str, ts_ms: int = FOREVER) -> float:
        """Hours between two settlements by the venue's schedule, on a UTC grid.

        A symbol the rulebook does not know keeps the venue's usual schedule.
        """
        instrument = self.instruments.get(symbol) or self.instruments.get(dated(symbol)[0])
        own = instrument.sizes.get("funding_interval_hours") if instrument else None
        revision = at(own, ts_ms) if own else self.at("funding.interval_hours", ts_ms)
        return revision.number

    def process(self, mode: str, ts_ms: int, *variants: str) -> Process:
        """The liquidation process of a margin mode ("isolated" or "cross") at a time."""
        value = self.at(f"liquidation.{mode}", ts_ms, *variants).value
        assert isinstance(value, Process)
        return value

    def step_name(self, mode: str, step: int, ts_ms: int, *variants: str) -> str:
        """The name of a step (from 0) of a process."""
        return self.process(mode, ts_ms, *variants).steps[step].name

    def provenance(self, ts_ms: int) -> list[dict[str, object]]:
        """Every decision in force at a time, with value, date, source and confidence."""
        from .provenance import provenance

        return provenance(self, ts_ms)
