"""Loading a strategy from its file."""

import linecache
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import StrategyError, UsageError
from .strategy import Strategy, parameters, where

ENTRY_POINTS = ("targets", "on_bar")
MODULE = "backtest_strategy"


def load(path: str, given: Mapping[str, Any]) -> Strategy:
    """Load a strategy file and check its parameters."""
    file = Path(path)
    source = _read(file)
    module = _execute(file, source)
    kinds = [kind for kind in ENTRY_POINTS if callable(getattr(module, kind, None))]
    if len(kinds) != 1:
        has = "both" if kinds else "neither"
        raise UsageError(f"{path} must define either targets(bars) or on_bar(view); it has {has}.")
    function = getattr(module, kinds[0])
    digest = sha256(source).hexdigest()
    return Strategy(file.stem, kinds[0], function, parameters(function, given), digest)


def _read(file: Path) -> bytes:
    if file.is_dir():
        raise UsageError(f"{file} is a folder; give the path of a Python file.")
    if not file.is_file():
        raise UsageError(f"there is no strategy at {file}; give the path of a Python file.")
    if file.suffix != ".py":
        raise UsageError(f"{file} is no Python file; a strategy's name ends in .py.")
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"strategy {file} cannot be read: {error.strerror}.") from error


def _execute(file: Path, source: bytes) -> ModuleType:
    """Run the file as a module that can import its neighbours; nothing is cached on disk."""
    module = ModuleType(f"{MODULE}_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    linecache.checkcache(str(file))
    try:
        with _neighbours(file):
            exec(compile(source, str(file), "exec"), module.__dict__)
    except SyntaxError as error:
        raise StrategyError(
            f"strategy {file} cannot be loaded: {error.msg} in line {error.lineno}; correct it."
        ) from error
    except (Exception, SystemExit) as error:
        raise StrategyError(
            f"strategy {file} cannot be loaded: {where(error, str(file))}."
        ) from error
    return module


@contextmanager
def _neighbours(file: Path) -> Iterator[None]:
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
