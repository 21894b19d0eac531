"""A result folder that appears whole or not at all."""

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from sysconfig import get_path
from tempfile import mkdtemp
from traceback import walk_tb
from types import TracebackType
from typing import Any

from .errors import ResultError, StrategyError
from .journal import NAME as JOURNAL
from .journal import UNFINISHED as JOURNAL_BEGUN
from .result import MANIFEST
from .strategy import where

DEFAULT_ROOT = "results"
READABLE_BY_ALL = 0o755
NOTHING_WRITTEN = "no result was written"
UNFINISHED = "backtest-unfinished"
"""A file in every folder that is not final, by which one that a kill left behind is known."""
LEFT_BEHIND_SECONDS = 24 * 3600.0
RESUMABLE_SECONDS = 30 * LEFT_BEHIND_SECONDS
LIBRARIES = (str(Path(__file__).parent), "<", *map(get_path, ("stdlib", "purelib", "platlib")))
"""Where code lies that is not a strategy's."""


class OutputFolder:
    """Writes into a hidden folder beside the final one and renames it when all is done.

    On any error, or a kill, the final folder does not exist; an earlier run stays as it was.
    """

    _kept = False

    def __init__(self, out: Path | None, name: str, force: bool) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        self.final = out or Path(DEFAULT_ROOT) / f"{stamp}-{name}"
        self._name, self.force = name, force
        if self.final.exists() and not (force and (self.final / MANIFEST).is_file()):
            hint = "choose another --out"
            if (self.final / MANIFEST).is_file():
                hint += " or replace it with --force"
            raise ResultError(f"{self.final} already exists; {hint}.")
        parents = [parent for parent in self.final.parents if not parent.exists()]
        self._made = parents
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            remove_left_behind(self.final.parent)
            self.path = Path(mkdtemp(prefix=f".{self.final.name}-", dir=self.final.parent))
            (self.path / UNFINISHED).touch()
        except OSError as error:
            raise self._cannot_write(error) from error

    @classmethod
    def reopen(cls, left: Path, begin: Mapping[str, Any]) -> "OutputFolder":
        """The hidden folder that a kill left behind; `begin` is that of its journal."""
        folder = cls.__new__(cls)
        folder.final, folder.force = Path(begin["final"]), begin["force"]
        folder.path, folder._name, folder._made = left, folder.final.name, []
        return folder

    def __enter__(self) -> "OutputFolder":
        """The folder to write into is `path`."""
        return self

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest last and make the folder visible."""
        text = json.dumps(manifest, indent=1, default=str, allow_nan=False)
        (self.path / MANIFEST).write_text(text + "\n", encoding="utf-8")
        for name in (UNFINISHED, JOURNAL, JOURNAL_BEGUN):
            (self.path / name).unlink(missing_ok=True)
        self.path.chmod(READABLE_BY_ALL)
        if self.force and self.final.exists():
            old = self.path.with_name(self.path.name + "-old")
            self.final.replace(old)
            try:
                self.path.replace(self.final)
            except OSError:
                old.replace(self.final)
                raise
            with suppress(OSError):
                (old / UNFINISHED).touch()
            shutil.rmtree(old, ignore_errors=True)
        else:
            self.path.replace(self.final)
        self._made = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing half-written behind but what can be gone on with, and say so."""
        stopped = isinstance(error, KeyboardInterrupt | OSError)
        self._kept = stopped and (self.path / JOURNAL).exists()
        if not self._kept:
            shutil.rmtree(self.path, ignore_errors=True)
        for parent in self._made:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, KeyboardInterrupt):
            error.args = (self._how_to_go_on() if self._kept else NOTHING_WRITTEN,)
        if isinstance(error, OSError):
            raise self._cannot_write(error) from error
        if isinstance(error, SystemExit):
            raise _left_by(self._name, error) from error

    def _cannot_write(self, error: OSError) -> ResultError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        kept = "the earlier result is" if (self.final / MANIFEST).is_file() else "nothing was"
        hint = "choose another --out"
        if self._kept:
            kept, hint = "what was done is", self._how_to_go_on()
        return ResultError(
            f"the result cannot be written to {self.final}: {reason}; {kept} kept, "
            f"free some space or {hint}."
        )

    def _how_to_go_on(self) -> str:
        return f"go on with `backtest resume {self.final}`"


def remove_left_behind(parent: Path) -> None:
    """Remove hidden folders that killed runs left in `parent`, a day after their last change.

    Those that can be gone on with stay for thirty days.
    """
    for marker in parent.glob(f".*-*/{UNFINISHED}"):
        folder = marker.parent
        waits = RESUMABLE_SECONDS if (folder / JOURNAL).exists() else LEFT_BEHIND_SECONDS
        oldest = time.time() - waits
        with suppress(OSError):
            changed = [path.lstat().st_mtime for path in (folder, *folder.iterdir())]
            if max(changed) < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _left_by(name: str, error: SystemExit) -> StrategyError:
    """Nothing but a strategy ends the program while a result is written."""
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    own = next((file for file in files if not file.startswith(LIBRARIES)), "")
    return StrategyError(f"strategy {name} ended the program: {where(error, own)}.")
