"""Spans of time, half-open and in ms: joined, taken from each other, and as text in metadata."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

Spans = list[tuple[int, int]]


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """Sorted spans of which none touch; empty ones are left out."""
    found: Spans = []
    for first, stop in sorted(s for s in spans if s[0] < s[1]):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((first, stop))
    return found


def without(spans: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]) -> Spans:
    """What of the spans is in none of those that are taken away."""
    left = joined(spans)
    for start, end in joined(taken):
        left = [
            part
            for first, stop in left
            for part in ((first, min(stop, start)), (max(first, end), stop))
            if part[0] < part[1]
        ]
    return left


def holes(stamps: npt.NDArray[np.int64], first: int, stop: int, step: int) -> Spans:
    """Where a grid from `first` to `stop` has no stamps; these are sorted and in any place."""
    inside = stamps[(stamps >= first) & (stamps < stop)]
    edges = np.concatenate(([first - step], inside, [stop]))
    wide = np.flatnonzero(np.diff(edges) > step)
    return joined((int(edges[i]) + step, int(edges[i + 1])) for i in wide)


def to_text(spans: Sequence[tuple[int, int]]) -> str:
    """As ISO 8601 intervals, separated by commas."""
    return ", ".join(f"{_moment(a)}/{_moment(b)}" for a, b in spans)


def from_text(text: str) -> Spans:
    """The spans of `to_text`. Raises ValueError for anything else."""
    parts = [part.strip().partition("/") for part in text.split(",") if part.strip()]
    return joined((_stamp(first), _stamp(stop)) for first, _, stop in parts)


def _moment(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace(".000", "").replace("+00:00", "Z")


def _stamp(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
