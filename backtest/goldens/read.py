"""Reading a file of golden cases, and why a case cannot be computed."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..venues import known
from ..venues.model import FOREVER
from ..venues.schema import CONTRACTS

Case = Mapping[str, Any]
NEEDED: Mapping[str, Any] = {
    **dict.fromkeys(("id", "venue"), str),
    **dict.fromkeys(("source", "account", "expect"), dict),
    "positions": list,
    "tolerance": (int, float),
}
WORDS: Mapping[Any, str] = {
    str: "text",
    dict: "an object",
    list: "a list",
    (int, float): "a number",
}
SCOPES = ("standard",)
_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


class Unsupported(Exception):  # noqa: N818
    """A quantity that cannot be computed; the message says why."""


def read_cases(*paths: Path) -> list[Case]:
    """The cases of JSON lists, of which some may be empty, but not all of them.

    Raises UsageError with file, place and remedy.
    """
    cases = [case for path in paths for case in _read(path)]
    if not cases:
        raise UsageError(f"{paths[0]} holds no cases; write at least one into its list.")
    return cases


def _read(path: Path) -> list[Case]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check the path.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON: {error}; correct it there.") from error
    if not isinstance(content, list):
        raise UsageError(f'{path} is no list of cases; write [ {{ "id": …, … }}, … ].')
    for number, case in enumerate(content):
        _check(path, number, case)
    return content


def _check(path: Path, number: int, case: Any) -> None:
    if not isinstance(case, dict):
        raise UsageError(f"case {number} of {path} is {case!r}; a case is an object.")
    name = case.get("id", number)
    for key, kind in NEEDED.items():
        if key not in case:
            raise UsageError(f"case {name} of {path} has no {key!r}; add it.")
        if not isinstance(case[key], kind):
            what = WORDS[kind]
            raise UsageError(f"{key} in case {name} of {path} is {case[key]!r}; it must be {what}.")
    for position in case["positions"]:
        if not isinstance(position, dict):
            raise UsageError(
                f"positions in case {name} of {path} holds {position!r}; each must be an object."
            )


def refusal(case: Case) -> str | None:
    """Why no quantity of a case can be computed; None where some may."""
    if case["venue"] not in known():
        return f"no rulebook for {case['venue']}"
    if case.get("scope", "standard") not in SCOPES:
        return f"scope {case['scope']} is not in this version"
    kinds = {p.get("contract", "linear") for p in case["positions"]} - set(CONTRACTS)
    if kinds:
        return f"{', '.join(sorted(kinds))} contracts are not in this version"
    if "unsettled funding" in str(case["source"].get("title")) and not case.get("params"):
        return "the case has unsettled funding and does not say how much"
    if case.get("agrees", True) is None:
        return "a parameter snapshot, nothing to compute"
    return None


def date_of(case: Case) -> int:
    """The date of a case in ms: the start of the day, month or year its source names.

    Where the source names none, the latest rules hold.
    """
    found = _DATE.match(str(case["source"].get("date", "")))
    if found is None:
        return FOREVER
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return FOREVER
