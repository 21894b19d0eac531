"""A result folder that appears whole or not at all."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any

from .errors import ResultError
from .result import MANIFEST

DEFAULT_ROOT = "results"


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
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.path = Path(mkdtemp(prefix=f".{self.final.name}-", dir=self.final.parent))
        except OSError as error:
            raise _cannot_write(self.final, error) from error

    def __enter__(self) -> "OutputFolder":
        """The folder to write into is `path`."""
        return self

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest last and make the folder visible."""
        try:
            text = json.dumps(manifest, indent=1, default=str)
            (self.path / MANIFEST).write_text(text + "\n", encoding="utf-8")
            self.path.chmod(0o755)
            if self._force and self.final.exists():
                old = self.path.with_name(self.path.name + "-old")
                self.final.replace(old)
                self.path.replace(self.final)
                shutil.rmtree(old, ignore_errors=True)
            else:
                self.path.replace(self.final)
        except OSError as error:
            raise _cannot_write(self.final, error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing half-written behind."""
        shutil.rmtree(self.path, ignore_errors=True)
        if isinstance(error, OSError):
            raise _cannot_write(self.final, error) from error


def _cannot_write(path: Path, error: OSError) -> ResultError:
    reason = error.strerror or str(error)
    return ResultError(
        f"the result cannot be written to {path}: {reason}; nothing was kept, "
        "free some space or choose another --out."
    )
