"""Expected against computed: a row with a verdict per case and quantity."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .quantities import NONE, compute
from .read import Case, Unsupported, read_cases, refusal
from .subject import Subject, subject_of

OK, OFF, UNSUPPORTED = "ok", "off", "unsupported"
NO_INPUT = "the case lacks an input of this number and leaves it unchecked"


@dataclass(frozen=True)
class Row:
    """One number of one case. `rel_error` is absolute where the expected value is 0."""

    case: str
    venue: str
    quantity: str
    expected: Any
    computed: Any
    rel_error: float | None
    verdict: str
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def verify(path: str | Path) -> list[Row]:
    """Recompute every number of a file of golden cases; raises UsageError for a broken file."""
    return [row for case in read_cases(Path(path)) for row in rows_of(case)]


def rows_of(case: Case) -> Iterator[Row]:
    """The rows of one case; a list or mapping of numbers gives a row each."""
    why = refusal(case)
    subject = None if why else subject_of(case)
    for quantity, expected in case["expect"].items():
        if subject is None:
            yield _unsupported(case, quantity, expected, str(why))
            continue
        try:
            computed = compute(subject, quantity)
        except Unsupported as error:
            why = NO_INPUT if quantity in (case.get("unchecked") or ()) else str(error)
            yield _unsupported(case, quantity, expected, why)
            continue
        if is_many(expected) != is_many(computed) or is_named(expected) != is_named(computed):
            why = f"{type(expected).__name__} of numbers is not in this version for {quantity}"
            yield _unsupported(case, quantity, expected, why)
            continue
        for name, wanted, found in pairs(quantity, expected, computed):
            yield _row(subject, name, wanted, found)


def is_many(value: Any) -> bool:
    """Whether a value is a list of numbers."""
    return isinstance(value, list | tuple)


def is_named(value: Any) -> bool:
    """Whether a value is a mapping of numbers."""
    return isinstance(value, Mapping)


def pairs(name: str, expected: Any, computed: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, expected, computed) of every number in a list or mapping, or of the one number."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from pairs(f"{name}.{key}", value, computed.get(key))
    elif isinstance(expected, list):
        values = list(computed) if isinstance(computed, list | tuple) else []
        for i, value in enumerate(expected):
            yield from pairs(f"{name}.{i}", value, values[i] if i < len(values) else None)
    else:
        yield name, expected, computed


def _unsupported(case: Case, quantity: str, expected: Any, why: str) -> Row:
    return Row(case["id"], case["venue"], quantity, expected, None, None, UNSUPPORTED, why)


def tolerance_of(case: Case, quantity: str) -> float:
    """The tolerance of a quantity: its own, else the case's."""
    name = quantity.partition(".")[0]
    own = case.get("tols") or {}
    if name in own:
        return float(own[name])
    if name.startswith("liquidation_price") and case.get("tolerance_lp") is not None:
        return float(case["tolerance_lp"])
    return float(case["tolerance"])


def _row(subject: Subject, quantity: str, expected: Any, computed: Any) -> Row:
    case = subject.case
    wanted = NONE if expected is None else expected
    error = relative_error(wanted, computed)
    good = error is not None and error <= tolerance_of(case, quantity)
    verdict, reason = (OK, "") if good else (OFF, "")
    if not good and quantity.partition(".")[0] in (case.get("unchecked") or ()):
        verdict, reason = UNSUPPORTED, NO_INPUT
    elif not good and case.get("agrees") is False:
        verdict = UNSUPPORTED
        why = case.get("reason") or case.get("why_disagrees") or case.get("assumptions", "")
        reason = f"the case itself disagrees with the documented formula: {why}"
    return Row(case["id"], case["venue"], quantity, wanted, computed, error, verdict, reason)


def relative_error(expected: Any, computed: Any) -> float | None:
    """|computed − expected| / |expected|; None where the two cannot be compared."""
    if isinstance(expected, bool | str) or isinstance(computed, bool | str) or computed is None:
        return 0.0 if expected == computed else None
    gap = abs(float(computed) - float(expected))
    return gap / abs(float(expected)) if expected else gap
