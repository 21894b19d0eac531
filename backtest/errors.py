"""Every error the program raises on purpose.

    BacktestError             exit code 1: the work could not be done
    ├── DataError             a file or series is missing, broken or contradicts itself
    ├── StrategyError         the user's strategy raised or returned the wrong shape
    ├── ResultError           a run could not be written or opened
    └── UsageError            exit code 2: the request itself is wrong
        ├── RulebookError     a rulebook or tier table is wrong, or does not know the symbol
        └── UnknownNameError       a name that is not known; says what was probably meant

A message is one sentence: what is wrong, the offending value, where, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches

MOST, FEW = 12, 6
"""Names that a refusal lists: all of a short list, the first few of a longer one."""


class BacktestError(Exception):
    """The work could not be done (exit code 1)."""

    exit_code = 1


class DataError(BacktestError):
    """A file or series is missing, broken or contradicts itself."""


class StrategyError(BacktestError):
    """The user's strategy raised, or returned something of the wrong shape."""


class ResultError(BacktestError):
    """A run could not be written or opened."""


class UsageError(BacktestError):
    """The request itself is wrong (exit code 2)."""

    exit_code = 2


class RulebookError(UsageError):
    """A rulebook or tier table is wrong, or does not know the symbol."""


class UnknownNameError(UsageError):
    """A name that is not known; the message lists near misses or what there is."""

    def __init__(self, what: str, name: str, known: Iterable[str], hint: str = "") -> None:
        tail = instead(name, known)
        super().__init__(f"unknown {what} {name!r}; {tail}{' ' + hint if hint else ''}")


def instead(name: str, known: Iterable[str]) -> str:
    """What there is in place of a name: near misses as a question, or the first of a list."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(repr(n) for n in near)}?"
    if len(names) > MOST:
        return f"known: {', '.join(names[:FEW])} … ({len(names)} in all)."
    return f"known: {', '.join(names)}." if names else "none are known."
