"""What a loaded rulebook is: frozen values, each with its date, source and confidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..errors import RulebookError, UnknownNameError
from .symbols import is_other_contract, meant, twin

ALWAYS = -(2**62)
"""Stands for "since ever" where a date in milliseconds is wanted."""
FOREVER = 2**62


@dataclass(frozen=True)
class Source:
    """Where a fact was read: title, where to find it, and its date as text."""

    title: str
    where: str
    date: str


@dataclass(frozen=True)
class Step:
    """One step of a liquidation process; words are those of `backtest.core.types`.

    `amount` is a margin ratio to reach (cure), a number of tiers (tiers_down) or a fraction.
    """

    name: str
    size: str
    exit: str
    fee: str
    amount: float = 0.0
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
    `known_before` is the last look that showed another table.
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
    known_before: int | None = None
    seen_from: int = ALWAYS
    seen_until: int = FOREVER
    note: str = ""


@dataclass(frozen=True)
class Instrument:
    """A contract; `sizes` holds dated lot, tick, min_size (base units) and min_notional."""

    symbol: str
    id: str
    contract: str
    settle: str
    base: str
    contract_size: float
    source: str
    confidence: str
    sizes: Mapping[str, tuple[Revision, ...]]


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
    checked_until: int
    sources: Mapping[str, Source]
    decisions: Mapping[str, tuple[Revision, ...]]
    instruments: Mapping[str, Instrument]
    tiers: Mapping[str, tuple[TierTable, ...]]
    hash: str

    def at(self, key: str, ts_ms: int) -> Revision:
        """The revision of a decision in force at a time; the earliest before the first."""
        if key not in self.decisions:
            raise UnknownNameError(f"decision of {self.id}", key, self.decisions)
        return at(self.decisions[key], ts_ms)

    def symbols(self) -> list[str]:
        """Symbols that can be run: those with an instrument and at least one tier table."""
        return sorted(set(self.instruments) & set(self.tiers))

    def instrument(self, symbol: str) -> Instrument:
        """The contract of a symbol; refuses one the rulebook does not know."""
        if symbol not in self.instruments:
            raise self._unknown(symbol)
        return self.instruments[symbol]

    def match(self, symbol: str) -> str:
        """The venue's symbol for a ccxt symbol.

        Itself, or for a linear perpetual the one of the same base in the venue's own stablecoin.
        """
        known = self.symbols()
        same = twin(symbol, self.settle)
        if symbol in known:
            return symbol
        if same in known:
            return str(same)
        raise self._unknown(symbol)

    def funding_interval_hours(self, symbol: str, ts_ms: int = FOREVER) -> float:
        """Hours between two settlements by the venue's schedule, on a UTC grid.

        A symbol the rulebook does not know keeps the venue's usual schedule.
        """
        instrument = self.instruments.get(symbol)
        own = instrument.sizes.get("funding_interval_hours") if instrument else None
        revision = at(own, ts_ms) if own else self.at("funding.interval_hours", ts_ms)
        return revision.number

    def process(self, mode: str, ts_ms: int) -> Process:
        """The liquidation process of a margin mode ("isolated" or "cross") at a time."""
        value = self.at(f"liquidation.{mode}", ts_ms).value
        assert isinstance(value, Process)
        return value

    def step_name(self, mode: str, step: int, ts_ms: int) -> str:
        """The name of a step (from 0) of a process."""
        return self.process(mode, ts_ms).steps[step].name

    def provenance(self, ts_ms: int) -> list[dict[str, object]]:
        """Every decision in force at a time, with value, date, source and confidence."""
        from .provenance import provenance

        return provenance(self, ts_ms)

    def _unknown(self, symbol: str) -> RulebookError:
        known = f"known: {', '.join(self.symbols())}"
        if is_other_contract(symbol):
            return RulebookError(
                f"{symbol!r} is no linear perpetual, and {self.id} has rules for no others yet; "
                f"{known}."
            )
        near = meant(symbol, self.symbols())
        if near:
            return RulebookError(
                f"{self.id} has no symbol {symbol!r}; did you mean {' or '.join(map(repr, near))}?"
            )
        return RulebookError(
            f"{self.id} has no tiers for {symbol!r}; {known}. Add it as [[instruments]] in "
            f"venues/instruments/{self.id}.toml and [[tiers]] in venues/tiers/{self.id}.toml, "
            "each value with its source."
        )
