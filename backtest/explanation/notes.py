"""What a reader of one position's numbers has to know beside them, and where the rules are from."""

from collections.abc import Mapping
from math import inf
from typing import Any

from ..config import format_time
from ..core.price import liquidation_prices
from ..core.requirement import required_rate
from ..core.tiers import tier_of
from ..core.types import InitialRate, Legs, NextFunding
from ..venues import effective, tier_provenance
from ..venues.model import FOREVER
from .asked import Asked
from .display import exists
from .figures import number, percent

USED = ("maintenance", "initial", "trigger", "bankruptcy", "fees")
"""Tables of a rulebook that a liquidation price can depend on."""
UNUSED = (
    "fees.maker",
    "fees.clearance",
    "fees.delivery",
    "maintenance.share_of_initial",
    "maintenance.change",
)


def notes(a: Asked) -> list[str]:
    """Sentences on the contract, the mode, the rules' date and what the numbers leave out."""
    found = [_dates(a), _known_part(a), _contract(a), _expiry(a), _sub_account(a), _leverage(a)]
    found += [_funding(a), _far(a), _twin(a), _frozen(a), _already(a)]
    return [note for note in found if note]


def _dates(a: Asked) -> str:
    if not a.rules["extrapolated"]:
        return ""
    return (
        "no tier table is known to hold on this date; the one of "
        f"{format_time(a.table.valid_from)[:10]} stands in (rules_extrapolated)"
    )


def _known_part(a: Asked) -> str:
    if a.rules["tiers_complete"]:
        return ""
    return f"the table is known in part, up to {number(float(a.rules['cap']))}"


def _contract(a: Asked) -> str:
    settle = a.instrument.settle
    if a.rules["inverse"]:
        return (
            f"inverse contract: a unit of size is worth 1/price {settle}; amounts are in {settle}"
        )
    multiplier = float(a.rules["multiplier"])
    if a.instrument.contract == "linear":
        return ""
    worth = f"price · {number(multiplier)} {settle}"
    return f"quanto contract: a unit of size is worth {worth}; amounts are in {settle}"


def _expiry(a: Asked) -> str:
    if a.instrument.expires == FOREVER:
        return ""
    verb = "settled" if a.instrument.expires <= a.ts else "settles"
    return f"dated contract: it {verb} on {format_time(a.instrument.expires)[:16]} UTC"


def _sub_account(a: Asked) -> str:
    if a.mode != "isolated" or a.word("isolated.form") != "sub_account":
        return ""
    return (
        f"{a.book.name} has no isolated mode: this is a sub-account of its own, with the isolated "
        "margin moved there"
    )


def _leverage(a: Asked) -> str:
    """What a leverage setting does where it does not decide alone."""
    p, kind = a.position, InitialRate(int(a.rules["initial_rate"]))
    if kind == InitialRate.LEVERAGE:
        return ""
    rate = float(required_rate(p.rules, p.size, p.entry, p.mark, p.leverage))
    if kind == InitialRate.TABLE:
        unused = "" if p.leverage == inf else f"; the leverage of {p.leverage:g} is not used"
        return f"no leverage setting here: the table's initial rate {percent(rate)} holds{unused}"
    if p.leverage < inf and rate > 1.0 / p.leverage * (1 + 1e-12):
        return f"{p.leverage:g}x is more than the table's initial rate allows, {1 / rate:.6g}x here"
    return ""


def _funding(a: Asked) -> str:
    if a.rules["next_funding"] != NextFunding.LAST_RATE or a.position.funding_rate:
        return ""
    return "the next funding is taken as 0; give the rate settled last (--funding-rate)"


def _far(a: Asked) -> str:
    """The level on the other side, where a rising value meets a tier that costs too much."""
    p, r = a.position, a.report
    if a.pair is not None:
        return ""
    others = a.pool.other_maintenance if a.pool else 0.0
    wallet = r.equity - r.unrealized_pnl - others - r.constant
    far = float(liquidation_prices(p.rules, p.size, p.entry, wallet, p.mark)[1])
    if not exists(far):
        return ""
    row = int(tier_of(p.rules, p.size, p.entry, far))
    beyond = "above" if p.size > 0 else "below"
    return (
        f"also liquidated at {number(far)} and {beyond}: there its value enters tier {row + 1}, "
        f"whose rate of {percent(float(p.rules['rate'][row]))} on the whole of it is too much"
    )


def _twin(a: Asked) -> str:
    if a.pool is None or a.pool.twin == 0.0:
        return ""
    if a.pool.covered:
        return "the smaller of two legs: the margin of the larger one is enough for both"
    if a.rules["legs"] == Legs.JOINT_TIER:
        return "both legs of the symbol count towards the tier"
    return "the larger of two legs: its margin, at the tier of both, stands for both"


def _frozen(a: Asked) -> str:
    if not a.rules["frozen"]:
        return ""
    return "an open position keeps the rules it was opened under until it is changed"


def _already(a: Asked) -> str:
    return "at this mark the position is already liquidated" if a.report.margin_ratio >= 1 else ""


def sources(a: Asked) -> list[dict[str, Any]]:
    """The rules used with their origin: decisions, own fees of the contract, the tier table."""
    rows = [row for row in effective(a.book, a.ts, a.instrument, a.mode) if _is_used(a, row)]
    return [*rows, tier_provenance(a.book, a.instrument.family, a.ts, a.mode)]


def _is_used(a: Asked, row: Mapping[str, Any]) -> bool:
    if str(row["key"]).startswith("instruments."):
        return True
    key = ".".join(str(row["key"]).split(".")[-2:])
    if key == "hedge.legs":
        return a.pool is not None and a.pool.twin > 0.0
    if key == "cross.gains":
        return a.pool is not None
    return key.split(".")[0] in USED and key not in UNUSED
