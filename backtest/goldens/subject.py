"""From a golden case to positions and pools under a rulebook.

Numbers that the case states win over the rulebook's; what it leaves open comes from the
rulebook at the case's date. Nothing here knows a venue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from typing import Any

from ..core.contracts import unrealized_pnl
from ..explanation.display import Display, display_of
from ..explanation.numbers import Pool, Position, Report, initial_margin, pool_for, report
from ..venues import Rulebook, at, load, override
from .positions import Terms, read_position
from .read import Case, Unsupported, date_of

ENTRY = {
    "maintenance.valued_at": "entry",
    "initial.valued_at": "entry",
    "maintenance.tier_key": "notional_at_entry",
}
MARK = {
    "maintenance.valued_at": "mark",
    "initial.valued_at": "mark",
    "maintenance.tier_key": "notional_at_mark",
}
BASES: Mapping[str, Mapping[str, str]] = {"entry": ENTRY, "mark": MARK}
FORMULAS: Mapping[str, Mapping[str, Any]] = {
    "isolated_old": ENTRY,
    "isolated_new": MARK,
    "uta_cross_display": {"display.cross": "frozen_estimate"},
    "uta_cross_display_with_borrow": {"display.cross": "frozen_estimate"},
    "classic_cross": {
        **ENTRY,
        "maintenance.close_fee": "none",
        "bankruptcy.fee_included": False,
        "display.cross": "tick_rounded",
        "display.maintenance": "at_bankruptcy_price",
    },
}
"""What the formula named by a case says in the words of a rulebook."""

EQUITIES = ("cross_account_value", "total_margin_balance_usd", "account_value")
MAINTENANCES = (
    "cross_maintenance_margin_used",
    "cross_maintenance_margin_used_implied",
    "total_maintenance_margin_usd",
)


@dataclass(frozen=True)
class Subject:
    """A case as positions, with the rulebook as the case changes it."""

    case: Case
    book: Rulebook
    ts: int

    @property
    def account(self) -> Mapping[str, Any]:
        """The account's part of the case."""
        account: Mapping[str, Any] = self.case["account"]
        return account

    @property
    def mode(self) -> str:
        """`isolated` or `cross`."""
        return str(self.account.get("margin_mode") or "cross")

    @property
    def from_code(self) -> bool:
        """Whether the numbers are another program's and not the venue's."""
        return bool(self.case["source"].get("kind") == "code")

    @cached_property
    def positions(self) -> list[Position]:
        """All positions of the case."""
        terms = Terms(
            self.book, self.ts, self.from_code, self.display.isolated_margin == "with_pnl"
        )
        found = [read_position(terms, raw) for raw in self.case["positions"]]
        if self.mode == "cross" and len({p.symbol for p in found}) < len(found):
            raise Unsupported("two legs of one symbol in a pool are not in this version")
        return found

    @cached_property
    def display(self) -> Display:
        """How the venue shows its numbers; another's program code shows them as they are."""
        shown = display_of(self.book, self.mode, self.ts)
        if self.from_code:
            return replace(shown, liquidation="exact", bankruptcy="exact", ratio="exact")
        return shown

    @cached_property
    def target(self) -> int:
        """Number of the position that the case asks about."""
        if not self.positions:
            raise Unsupported("the case has no position")
        symbol = self.case.get("target_symbol")
        symbols = [p.symbol for p in self.positions]
        if symbol is None and len(symbols) > 1:
            raise Unsupported("the case names no target among its positions")
        return symbols.index(symbol) if symbol in symbols else 0

    def report(self, number: int | None = None, *, asked: str = "") -> Report:
        """The numbers of a position (the target); `asked` is not used as an input."""
        which = self.target if number is None else number
        if self.mode == "isolated":
            return report(self.positions[which], None, self.display)
        return report(self.positions[which], self.pool(which, asked), self.display)

    def pool(self, number: int, asked: str = "") -> Pool:
        """The cross pool around a position, from whatever the case states of the account."""
        own = self.positions[number]
        others = [p for i, p in enumerate(self.positions) if i != number]
        pool = pool_for(0.0, others)
        pool = replace(pool, wallet=self._wallet(own, pool, asked))
        return self._stated_totals(own, pool)

    def _wallet(self, own: Position, pool: Pool, asked: str) -> float:
        pnl = unrealized_pnl(own.size, own.entry, own.mark) + pool.other_pnl
        for key in EQUITIES:
            if self.account.get(key) is not None:
                return float(self.account[key]) - pnl
        if self.account.get("wallet_balance") is not None:
            return float(self.account["wallet_balance"])
        return self._implied_wallet(own, asked)

    def _implied_wallet(self, own: Position, asked: str) -> float:
        """The balance that gives the other of the two prices the case states."""
        expect = self.case["expect"]
        bust, level = expect.get("bankruptcy_price"), expect.get("liquidation_price")
        if asked != "bankruptcy_price" and isinstance(bust, int | float):
            return -unrealized_pnl(own.size, own.entry, bust)
        if asked == "bankruptcy_price" and isinstance(level, int | float):
            needed = report(replace(own, mark=level), Pool(0.0), self.display).maintenance_margin
            return needed - unrealized_pnl(own.size, own.entry, level)
        return nan

    def _stated_totals(self, own: Position, pool: Pool) -> Pool:
        needed = report(own, pool).maintenance_margin
        totals = [self.account[key] for key in MAINTENANCES if self.account.get(key) is not None]
        if self.account.get("other_positions_maintenance_margin") is not None:
            stated = float(self.account["other_positions_maintenance_margin"])
            pool = replace(pool, other_maintenance=stated)
        elif totals and len(self.positions) == 1:
            pool = replace(pool, other_maintenance=float(totals[0]) - needed)
        initial = self.account.get("total_initial_margin_usd")
        if initial is not None:
            rest = float(initial) - initial_margin(own, cross=True)
            pool = replace(pool, other_initial=rest)
        rate = self.book.decisions.get("borrow.maintenance_rate")
        lent = self.account.get("wallet_balance")
        if rate and lent is not None and float(lent) < 0:
            pool = replace(pool, borrow_rate=at(rate, self.ts).number)
        return pool


def subject_of(case: Case) -> Subject:
    """A case under its venue's rulebook, with what the case states in place of the rulebook's."""
    ts = date_of(case)
    stated = {
        **FORMULAS.get(str(case.get("formula")), {}),
        **BASES.get(str(case.get("value_basis")), {}),
    }
    return Subject(case, override(load(case["venue"]), stated), ts)
