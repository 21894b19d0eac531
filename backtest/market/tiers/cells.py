"""Values of a cell or a JSON field: numbers and moments that may be written as text."""

from datetime import UTC, datetime
from typing import Any

from ...venues.check import Place


def numeric(place: Place, value: Any) -> float | None:
    """A number; None where there is none."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        place.refuse(value, "is not a number", "write it like 0.004, without units")


def moment(place: Place, value: Any) -> datetime | None:
    """A moment, UTC unless it names an offset; None where there is none."""
    if value is None or value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        place.refuse(value, "is not a date", "write it like 2025-10-15 or 2025-10-15T08:00Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
