"""A position as it was asked about: under whose rules, of which date, in which margin mode."""

from dataclasses import dataclass
from typing import Any

from ..core.types import InitialRate
from ..venues import Instrument, Rulebook, TierTable, at
from .numbers import Pool, Position, Report


@dataclass(frozen=True)
class Pair:
    """The two legs of one symbol in a pool, the position asked about first.

    `needs` says of each leg whether it has a requirement of its own, `beside` is what stands in
    the pool beside both.
    """

    legs: tuple[Position, Position]
    needs: tuple[bool, bool]
    beside: Pool


@dataclass(frozen=True)
class Asked:
    """One question and its numbers; `pool` is None for an isolated position.

    `pair` is there where the other leg of the symbol is open: both share one liquidation price.
    """

    book: Rulebook
    instrument: Instrument
    ts: int
    mode: str
    position: Position
    pool: Pool | None
    report: Report
    pair: Pair | None = None

    @property
    def rules(self) -> Any:
        """The RULES record that holds."""
        return self.position.rules

    @property
    def table(self) -> TierTable:
        """The tier table that holds."""
        return at(self.book.tables(self.instrument.family, self.mode), self.ts)

    @property
    def unit(self) -> str:
        """What sizes are counted in: base coin, of inverse contracts the quote currency."""
        return size_unit(self.instrument)

    def word(self, key: str) -> Any:
        """The value of a decision for this contract in this mode."""
        return self.book.at(key, self.ts, self.instrument.contract, self.mode).value


def size_unit(instrument: Instrument) -> str:
    """What the sizes of a contract are counted in."""
    if instrument.contract != "inverse":
        return instrument.base
    return instrument.symbol.partition("/")[2].partition(":")[0]


def leverage_decides(rules: Any) -> bool:
    """Whether the leverage setting alone gives the initial margin, within the tier's limit."""
    return bool(rules["initial_rate"] == InitialRate.LEVERAGE)


def leverage_counts(rules: Any) -> bool:
    """Whether a leverage setting changes anything at all."""
    return bool(rules["initial_rate"] != InitialRate.TABLE)
