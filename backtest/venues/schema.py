"""What a rulebook file may say: its decisions, the words each knows, and its limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from ..core.types import (
    CloseFee,
    FundingFrom,
    IsolatedOpen,
    StepExit,
    StepFee,
    StepSize,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)

CONFIDENCES = ("official", "payload", "code", "secondary", "inferred", "assumed")
"""How sure a fact is: the venue's own text, a real answer of its API, program code that
reproduces it, a third party, worked out from one of these, or a stated default."""

VENUE_KEYS = ("id", "name", "settle", "contracts", "checked_until")
SOURCE_KEYS = ("title", "where", "date")
REVISION_KEYS = ("value", "valid_from", "source", "confidence", "note")
PROCESS_KEYS = ("healthy_ratio", "steps", "valid_from", "source", "confidence", "note")
INSTRUMENT_KEYS = (
    "symbol",
    "id",
    "contract",
    "settle",
    "base",
    "contract_size",
    "source",
    "confidence",
)
TIER_KEYS = (
    "symbol",
    "valid_from",
    "known_before",
    "seen_from",
    "seen_until",
    "source",
    "confidence",
    "complete",
    "cap",
    "unit",
    "rows",
    "ladder",
    "note",
)
LADDER_KEYS = (
    "from",
    "step",
    "rate_step",
    "initial_rate",
    "initial_rate_step",
    "until_initial_rate",
)
UNITS = ("settle", "base", "contracts")


@dataclass(frozen=True)
class Kind:
    """What a value may be: one of `words`, a flag, or a number with low <= number <= high."""

    words: tuple[str, ...] = ()
    flag: bool = False
    low: float = -inf
    high: float = inf
    required: bool = True
    process: bool = False


def words(known: type[IntEnum] | Iterable[str], *, required: bool = True) -> Kind:
    """A word of an enumeration, spelled in lower case, or of a list."""
    names = [one.name.lower() if isinstance(one, IntEnum) else one for one in known]
    return Kind(words=tuple(names), required=required)


RATE = Kind(low=0.0, high=1.0)
REBATE = Kind(low=-1.0, high=1.0)
SHOWN = ("exact", "tick_nearer", "tick_rounded", "frozen_estimate")

DECISIONS: dict[str, Kind] = {
    "maintenance.tier_key": words(TierKey),
    "maintenance.tier_rule": words(TierRule),
    "maintenance.valued_at": words(ValuedAt),
    "maintenance.close_fee": words(CloseFee),
    "maintenance.share_of_initial": Kind(low=0.0, high=1.0, required=False),
    "initial.valued_at": words(ValuedAt),
    "initial.isolated_valued_at": words(ValuedAt),
    "initial.isolated_open": words(IsolatedOpen),
    "trigger.price": words(("mark",)),
    "trigger.compare": words(Trigger),
    "bankruptcy.fee_included": Kind(flag=True),
    "funding.from": words(FundingFrom),
    "funding.price": words(("mark", "oracle")),
    "funding.interval_hours": Kind(low=0.25, high=24.0),
    "funding.interest_rate": Kind(low=-1.0, high=1.0, required=False),
    "funding.band": Kind(low=0.0, high=1.0, required=False),
    "funding.period_hours": Kind(low=0.25, high=24.0, required=False),
    "funding.hourly_cap": Kind(low=0.0, high=1.0, required=False),
    "fees.maker": REBATE,
    "fees.taker": RATE,
    "fees.clearance": RATE,
    "liquidation.isolated": Kind(process=True),
    "liquidation.cross": Kind(process=True),
    "display.isolated": words(SHOWN),
    "display.cross": words(SHOWN),
    "display.bankruptcy": words(("exact", "tick_rounded")),
    "display.maintenance": words(("with_fee", "without_fee", "at_bankruptcy_price")),
    "display.ratio": words(("exact", "inverse", "truncated")),
    "display.isolated_margin": words(("with_pnl", "without_pnl")),
    "display.fee_decimals": Kind(low=0.0, high=18.0, required=False),
    "borrow.maintenance_rate": Kind(low=0.0, high=1.0, required=False),
}
"""Every decision by its dotted key `table.key`."""

SIZES: dict[str, Kind] = {
    "lot": Kind(low=1e-12),
    "tick": Kind(low=1e-12),
    "min_size": Kind(low=0.0, required=False),
    "min_notional": Kind(low=0.0),
    "funding_interval_hours": Kind(low=0.25, high=24.0, required=False),
}
"""Dated numbers of an instrument; sizes in base units, the notional in the settle asset."""

STEP: dict[str, Kind] = {
    "name": Kind(words=("*",)),
    "size": words(StepSize),
    "exit": words(StepExit),
    "fee": words(StepFee),
    "amount": Kind(low=0.0, required=False),
    "fee_to_fund": Kind(flag=True, required=False),
    "must_cure": Kind(flag=True, required=False),
    "covers_first_tier": Kind(flag=True, required=False),
    "min_tier": Kind(low=1, required=False),
    "min_notional": Kind(low=0.0, required=False),
    "min_margin_ratio": Kind(low=0.0, required=False),
    "wait_seconds": Kind(low=0.0, required=False),
}
"""Keys of one liquidation step."""
