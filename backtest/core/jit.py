"""Compilation of the core, with a disk cache that notices every change.

numba's own cache looks at the file of a function only: a rule edited in another file would keep
its old compiled copy inside a cached caller. The cache folder is therefore named after a hash of
all sources of this package and of what compiles them.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba

config: Any = numba.core.config
"""numba's settings, which it makes when it is imported."""
F = TypeVar("F", bound=Callable[..., Any])
KEPT_CACHES = 3
IN_USE_SECONDS = 3600.0
"""A cache used within this time is kept as well: another version may be compiling into it."""


def source_hash(folder: Path) -> str:
    """Hash of all Python sources in `folder` and of the versions that compile them."""
    versions = (numba.__version__, llvmlite.__version__, sys.version_info[:3])
    digest = hashlib.sha256(repr(versions).encode())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Where compiled code is kept: $BACKTEST_CACHE_DIR, else the user's cache folder."""
    chosen = os.environ.get("BACKTEST_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "liquidation-backtest"


def _cache_folder() -> Path:
    root = cache_root()
    folder = root / f"core-{source_hash(Path(__file__).parent)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        caches = sorted(root.glob("core-*"), key=lambda p: p.stat().st_mtime, reverse=True)
        oldest = time.time() - IN_USE_SECONDS
        for old in [p for p in caches if p != folder][KEPT_CACHES - 1 :]:
            if old.stat().st_mtime < oldest:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return folder
    return folder


CACHE_FOLDER = _cache_folder()


def is_compiled() -> bool:
    """Whether compiled code of these sources is on disk, so that a run starts at once."""
    return any(CACHE_FOLDER.rglob("*.nbi"))


def can_be_kept() -> bool:
    """Whether compiled code can be written to disk, so that only the first run compiles."""
    return os.access(CACHE_FOLDER, os.W_OK)


def jit(function: F) -> F:
    """Compile lazily on first call, cached on disk; with NUMBA_DISABLE_JIT=1 plain Python."""
    saved = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE_FOLDER)
    try:
        compiled: Any = numba.njit(
            cache=can_be_kept(),
            boundscheck=False,
            fastmath=False,
            error_model="numpy",
        )(function)
    finally:
        config.CACHE_DIR = saved
    return cast(F, compiled)
