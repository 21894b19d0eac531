"""Expected against computed: a row with a verdict per case and quantity."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .quantities import NONE, compute
from .read import Case, Unsupported, read_cases, refusal
from .subject import Subject, subject_of

OK, OFF, UNSUPPORTED = "ok", "off", "unsupported"


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
            yield _unsupported(case, quantity, expected, str(error))
            continue
        if isinstance(expected, list) or isinstance(expected, Mapping) != isinstance(
            computed, Mapping
        ):
            why = f"{type(expected).__name__} of numbers is not in this version for {quantity}"
            yield _unsupported(case, quantity, expected, why)
        elif isinstance(expected, Mapping) and isinstance(computed, Mapping):
            for name, value in expected.items():
                yield _row(subject, f"{quantity}.{name}", value, computed.get(name))
        else:
            yield _row(subject, quantity, expected, computed)


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
    if not good and case.get("agrees") is False:
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
