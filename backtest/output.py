"""A result folder that appears whole or not at all."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any

from .errors import ResultError
from .result import MANIFEST

DEFAULT_ROOT = "results"
READABLE_BY_ALL = 0o755
NOTHING_WRITTEN = "no result was written"


class OutputFolder:
    """Writes into a hidden folder beside the final one and renames it when all is done.

    On any error, or a kill, the final folder does not exist; an earlier run stays as it was.
    """

    def __init__(self, out: Path | None, name: str, force: bool) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        self.final = out or Path(DEFAULT_ROOT) / f"{stamp}-{name}"
        self._force = force
        if self.final.exists() and not (force and (self.final / MANIFEST).is_file()):
            hint = "choose another --out"
            if (self.final / MANIFEST).is_file():
                hint += " or replace it with --force"
            raise ResultError(f"{self.final} already exists; {hint}.")
        parents = [parent for parent in self.final.parents if not parent.exists()]
        self._made = parents
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.path = Path(mkdtemp(prefix=f".{self.final.name}-", dir=self.final.parent))
        except OSError as error:
            raise self._cannot_write(error) from error

    def __enter__(self) -> "OutputFolder":
        """The folder to write into is `path`."""
        return self

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest last and make the folder visible."""
        text = json.dumps(manifest, indent=1, default=str, allow_nan=False)
        (self.path / MANIFEST).write_text(text + "\n", encoding="utf-8")
        self.path.chmod(READABLE_BY_ALL)
        if self._force and self.final.exists():
            old = self.path.with_name(self.path.name + "-old")
            self.final.replace(old)
            try:
                self.path.replace(self.final)
            except OSError:
                old.replace(self.final)
                raise
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
        """Leave nothing half-written behind, and say so."""
        shutil.rmtree(self.path, ignore_errors=True)
        for parent in self._made:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, KeyboardInterrupt):
            error.args = (NOTHING_WRITTEN,)
        if isinstance(error, OSError):
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> ResultError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return ResultError(
            f"the result cannot be written to {self.final}: {reason}; nothing was kept, "
            "free some space or choose another --out."
        )
