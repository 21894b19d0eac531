"""What ccxt's leverage tiers really are, venue by venue: unit, margin mode, rows.

ccxt calls all bounds notional. They are contracts on some venues, deductions stay in `info`, and
some rows are not in order or not the venue's own; the rulebooks name the sources of each trap.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from ...venues.check import Place
from ...venues.draft import Tier
from .cells import numeric

Rows = Sequence[Mapping[str, Any]]


def plain(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Rows as ccxt gives them, the deduction from the venue's own field."""
    return tuple(_tier(place / f"tier {i}", row) for i, row in enumerate(rows, start=1))


def by_cap(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Rows in the order of their upper limits, each from the limit before it: ids are in none."""
    ordered = sorted(plain(place, rows), key=lambda tier: tier.cap or 0.0)
    return _chained(ordered, [tier.cap for tier in ordered])


def by_floor(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Rows in the order of their lower limits, each up to the next one's."""
    ordered = sorted(plain(place, rows), key=lambda tier: tier.floor or 0.0)
    return _chained(ordered, [*(tier.floor for tier in ordered[1:]), None])


def in_lots(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Rows in contracts, where a tier may begin one lot after the last one's end."""
    tiers = plain(place, rows)
    begins = [_after(low, high) for low, high in pairwise(tiers)]
    floors = [*(tier.floor for tier in tiers[:1]), *begins]
    return tuple(replace(t, floor=floor) for floor, t in zip(floors, tiers, strict=True))


def _after(low: Tier, high: Tier) -> Any:
    """Where a tier begins: at the end of the one before, if that is at most one contract off."""
    if low.cap is None or not 0 <= (high.floor or 0.0) - low.cap <= 1.0:
        return high.floor
    return low.cap


def levels(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Levels built from a contract's own fields: a base volume, then equal steps to a limit."""
    info = rows[0]["info"]
    names = ("riskBaseVol", "riskIncrVol", "riskIncrMmr", "riskIncrImr", "riskLevelLimit")
    base, step, mmr_step, imr_step, count = (_needed(place, info, name) for name in names)
    mmr, imr = (_needed(place, info, n) for n in ("maintenanceMarginRate", "initialMarginRate"))
    caps = [base + step * k for k in range(int(count))]
    return tuple(
        Tier(floor, cap, round(mmr + mmr_step * k, 12), 1.0 / round(imr + imr_step * k, 12))
        for k, (floor, cap) in enumerate(zip([0.0, *caps], caps, strict=False))
    )


def factors(place: Place, rows: Rows) -> tuple[Tier, ...]:
    """Adjustment factors (the rate times the leverage), if they are the same at all leverages."""
    ladders: dict[float, list[tuple[Any, ...]]] = {}
    for row in rows:
        values = ("min_size", "max_size", "adjust_factor")
        bounds = tuple(numeric(place / name, row["info"].get(name)) for name in values)
        ladders.setdefault(float(row["maxLeverage"]), []).append(bounds)
    highest = max(ladders)
    for leverage, ladder in ladders.items():
        if ladder != ladders[highest]:
            (place / "adjust_factor").refuse(
                f"{leverage:g}x", f"differs from the ladder at {highest:g}x",
                "write the ladder of your leverage as a table and import that",
            )  # fmt: skip
    ladder = ladders[highest]
    caps = [*(floor for floor, _, _ in ladder[1:]), ladder[-1][1]]
    return tuple(
        Tier(floor, cap, factor, highest)
        for (floor, _, factor), cap in zip(ladder, caps, strict=True)
    )


@dataclass(frozen=True)
class Trap:
    """How to read a venue's tiers: `units` by kind of contract; `single` asks market by market.

    `mode` is the only margin mode that the tiers are for; `by_mode` asks for one at a time.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    mode: str = ""
    single: bool = False
    by_mode: bool = False
    rows: Callable[[Place, Rows], tuple[Tier, ...]] = plain

    def unit(self, kind: str, rows: Rows) -> str:
        """The unit of the bounds of a kind of contract."""
        limit = (rows[0].get("info") or {}).get("riskLimitType") if rows else None
        return "settle" if limit == "BY_VALUE" else self.units.get(kind, "settle")


CONTRACTS = dict.fromkeys(("linear", "inverse", "quanto"), "contracts")
TRAPS = {
    "binanceusdm": Trap(),
    "binancecoinm": Trap(),
    "bitget": Trap({"inverse": "base"}, single=True),
    "bybit": Trap(rows=by_cap),
    "gate": Trap(single=True, rows=by_cap),
    "htx": Trap(CONTRACTS, mode="isolated", rows=factors),
    "krakenfutures": Trap({"inverse": "contracts"}, rows=by_floor),
    "kucoinfutures": Trap(mode="isolated", single=True),
    "mexc": Trap(CONTRACTS, rows=levels),
    "okx": Trap(CONTRACTS, single=True, by_mode=True, rows=in_lots),
}
DEDUCTIONS = ("cum", "mmDeduction", "deduction")


def _tier(place: Place, row: Mapping[str, Any]) -> Tier:
    info = row.get("info") or {}
    found = [info.get(name) for name in DEDUCTIONS] + [row.get("maintAmt")]
    deduction = next((value for value in found if value not in (None, "")), None)
    return Tier(
        floor=numeric(place / "minNotional", row.get("minNotional")),
        cap=numeric(place / "maxNotional", row.get("maxNotional")),
        rate=numeric(place / "maintenanceMarginRate", row.get("maintenanceMarginRate")),
        max_leverage=numeric(place / "maxLeverage", row.get("maxLeverage")),
        deduction=numeric(place / "deduction", deduction),
    )


def _chained(tiers: Sequence[Tier], caps: Sequence[Any]) -> tuple[Tier, ...]:
    bounds = zip([0.0, *caps], caps, tiers, strict=False)
    return tuple(replace(tier, floor=floor, cap=cap) for floor, cap, tier in bounds)


def _needed(place: Place, info: Mapping[str, Any], name: str) -> float:
    value = numeric(place / name, info.get(name))
    if value is None:
        place.lacks(name, "the venue's contract detail must be in 'info'")
    return float(value or 0.0)
