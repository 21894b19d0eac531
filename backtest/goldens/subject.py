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

ENTRY = {"maintenance.valued_at": "entry", "maintenance.tier_key": "notional_at_entry"}
MARK = {"maintenance.valued_at": "mark", "maintenance.tier_key": "notional_at_mark"}
BASES: Mapping[str, Mapping[str, str]] = {
    "entry": {**ENTRY, "initial.valued_at": "entry"},
    "mark": {**MARK, "initial.valued_at": "mark"},
}
FORMULAS: Mapping[str, Mapping[str, Any]] = {
    "isolated_old": ENTRY,
    "isolated_old_inverse": ENTRY,
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
    "classic_inverse_cross": {
        **ENTRY,
        "display.cross": "tick_rounded",
        "display.bankruptcy": "exact",
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
    def terms(self) -> Terms:
        """What holds for all positions of the case."""
        return Terms(
            self.book, self.ts, self.mode, self.from_code,
            self.display.isolated_margin == "with_pnl",
            float(self.case.get("funding_provision") or 0.0),
        )  # fmt: skip

    @cached_property
    def positions(self) -> list[Position]:
        """All positions of the case."""
        return [read_position(self.terms, raw) for raw in self.case["positions"]]

    @cached_property
    def display(self) -> Display:
        """How the venue shows its numbers; another's program code shows them as they are."""
        kinds = [raw.get("contract", "linear") for raw in self.case["positions"]]
        shown = display_of(self.book, self.mode, self.ts, (*kinds, "linear")[0])
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
        return self._stated_totals(own, replace(pool, wallet=pool.wallet - self.order_fees))

    @cached_property
    def order_fees(self) -> float:
        """Opening fees that resting orders of the case are expected to cost."""
        raw = self.case["positions"]
        orders = [p for p, r in zip(self.positions, raw, strict=True) if r.get("is_open_order")]
        return sum(p.notional * float(p.rules["taker_fee"]) for p in orders)

    def _wallet(self, own: Position, pool: Pool, asked: str) -> float:
        pnl = own.pnl + pool.other_pnl
        for key in EQUITIES:
            if self.account.get(key) is not None:
                return float(self.account[key]) - pnl
        if self.account.get("wallet_balance") is not None:
            return float(self.account["wallet_balance"])
        if self.case.get("equity") is not None:
            return float(self.case["equity"]) - pnl
        balance = self._collateral()
        if balance is not None and self.display.balance == "quote":
            return balance + sum(p.size * p.entry for p in self.positions)
        return self._implied_wallet(own, asked)

    def _collateral(self) -> float | None:
        """The one collateral balance of the case."""
        values = list((self.account.get("collateral") or {}).values())
        return float(values[0]) if len(values) == 1 and values[0] is not None else None

    def _implied_wallet(self, own: Position, asked: str) -> float:
        """The balance that gives the other of the two prices the case states."""
        expect = self.case["expect"]
        bust, level = expect.get("bankruptcy_price"), expect.get("liquidation_price")
        if asked != "bankruptcy_price" and isinstance(bust, int | float):
            return -unrealized_pnl(own.rules, own.size, own.entry, bust)
        if asked == "bankruptcy_price" and isinstance(level, int | float):
            needed = report(replace(own, mark=level), Pool(0.0), self.display).maintenance_margin
            return needed - unrealized_pnl(own.rules, own.size, own.entry, level)
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
            rest = float(initial) - initial_margin(own)
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
