"""What a reader of one position's numbers has to know beside them, and where the rules are from."""

from collections.abc import Mapping
from math import inf
from typing import Any

from ..config import format_time
from ..core.contracts import round_down
from ..core.requirement import coins, required_rate
from ..core.tiers import tier_of
from ..core.types import InitialRate, Legs, NextFunding, TierRule
from ..venues import effective, tier_provenance
from ..venues.model import FOREVER
from .asked import Asked
from .checks import key_words
from .display import exists
from .figures import number, percent
from .numbers import far_level

USED = ("maintenance", "initial", "trigger", "bankruptcy", "fees")
"""Tables of a rulebook that a liquidation price can depend on."""
SAME_LOT = 1e-6
"""Share of a lot by which a size may miss a whole number of lots."""
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
    found += [_lots(a), _funding(a), _far(a), _twin(a), _frozen(a), _already(a)]
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
    what, unit = key_words(a.instrument, a.position)
    what = what.replace("mark", str(a.word("trigger.price")))
    return f"the table is known in part, up to {number(float(a.rules['cap']))} {unit} of {what}"


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
    when = f"on {format_time(a.instrument.expires)[:16]} UTC"
    if a.instrument.expires > a.ts:
        return f"dated contract: it settles {when}"
    return (
        f"dated contract: it settled {when}, before the date of these rules; give a date before "
        "it (--date)"
    )


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


def _lots(a: Asked) -> str:
    """What a run would open of a size between two lots."""
    size, lot = abs(a.position.size), float(a.rules["lot"])
    opened = float(round_down(size, lot))
    if abs(size - opened) <= SAME_LOT * lot:
        return ""
    return (
        f"{a.book.id} trades whole lots of {number(lot)} {a.unit}: an order of this size opens "
        f"{number(opened)} {a.unit}"
    )


def _funding(a: Asked) -> str:
    rate = a.position.funding_rate
    if a.rules["next_funding"] != NextFunding.LAST_RATE:
        unused = f"the funding rate of {percent(rate)} is not used: no next funding is in the"
        return f"{unused} requirement" if rate else ""
    if rate:
        return ""
    return (
        "the next funding is taken as 0; give the rate settled last (--funding-rate, in a file "
        "funding_rate)"
    )


def _far(a: Asked) -> str:
    """The level on the other side, where a rising value meets a tier that costs too much."""
    p, r = a.position, a.report
    if a.pair is not None:
        return ""
    far = far_level(p, r, a.pool)
    if not exists(far):
        return ""
    also = "also liquidated" if exists(r.liquidation_price) else "liquidated"
    start = f"{also} at {number(far)} and {'above' if p.size > 0 else 'below'}: there"
    if p.rules["tier_rule"] == TierRule.LINEAR_IN_SIZE:
        held = number(round(float(coins(p.rules, p.size, far)), 6))
        return f"{start} it is {held} coins, whose rate, which grows with them, is too much"
    row = int(tier_of(p.rules, p.size, p.entry, far))
    return (
        f"{start} its value enters tier {row + 1}, "
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
