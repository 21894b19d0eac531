"""Recorded answers of an exchange, found by the path of the request."""

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ...errors import DataError


class NoAnswerError(DataError):
    """No answer was recorded for a request."""


class Answers:
    """Recorded answers: JSON files of {"request": {"path", "query"}, "response"}.

    A path answers every request that ends in it; of several, the one whose query agrees in most
    parameters and contradicts in none.
    """

    def __init__(self, path: Path) -> None:
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        found = [_read(file) for file in files]
        self._answers = [one for one in found if one is not None and one["request"].get("path")]
        self._path = path
        if not self._answers:
            raise DataError(
                f"{path} holds no recorded answers; they are JSON files with request.path and "
                "response."
            )

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """The answer to a request, in the place of ccxt's own transport."""
        parts = urlsplit(url)
        wanted = dict(parse_qsl(parts.query))
        fitting = [
            (agreed, one)
            for one in self._answers
            if parts.path.endswith(one["request"]["path"])
            and (agreed := _agreement(wanted, one["request"].get("query") or "")) >= 0
        ]
        if not fitting:
            raise NoAnswerError(
                f"{self._path} has no recorded answer to {method} {parts.path}; record it there."
            )
        best = max(fitting, key=lambda pair: pair[0])[1]
        return copy.deepcopy(best["response"])

    def paths(self) -> Iterable[str]:
        """The paths that were recorded."""
        return sorted({one["request"]["path"] for one in self._answers})


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file} cannot be read as JSON ({error}); check the file.") from error
    good = isinstance(content, dict) and "response" in content
    return content if good and isinstance(content.get("request"), dict) else None


def _agreement(wanted: Mapping[str, str], query: str) -> int:
    """How many parameters agree; -1 if one contradicts."""
    given = dict(parse_qsl(query))
    shared = given.keys() & wanted.keys()
    return -1 if any(given[k] != wanted[k] for k in shared) else len(shared)
