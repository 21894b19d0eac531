"""A tier table on its way in, as an importer found it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .model import Source


@dataclass(frozen=True)
class Tier:
    """A row as it came: bounds in the table's unit (cap None: no end), rates as fractions."""

    floor: Any
    cap: Any
    rate: Any
    max_leverage: Any
    deduction: Any = None


@dataclass(frozen=True)
class Draft:
    """A table as it came; without tiers it says that the venue lists the symbol no longer."""

    symbol: str
    valid_from: datetime
    tiers: tuple[Tier, ...]
    origin: Source
    confidence: str = "payload"
    unit: str = "settle"
    mode: str = ""
    known_before: datetime | None = None
    seen_until: datetime | None = None
    note: str = ""
    carried: Mapping[str, float | str] = field(default_factory=dict)
