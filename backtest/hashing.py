"""Hashes of the data files, taken while the run goes on: reading them costs a tenth of its time."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread

from .errors import DataError
from .market.series import Series, file_hash
from .market.stream import SymbolData

_Seen = tuple[Path, int, int]
_known: dict[_Seen, str] = {}
"""Hashes by path, size and time of change: many runs of one process read each file once."""


class FileHashes(Thread):
    """SHA-256 of every file of some series, by its path inside the data folder."""

    def __init__(self, sources: Iterable[Sequence[SymbolData]], root: Path) -> None:
        # A daemon: a run that fails early need not wait for the rest of a large store.
        super().__init__(daemon=True)
        series = [s for data in sources for d in data for s in (d.trade, d.mark, d.funding)]
        self._paths = sorted({path for one in series if one is not None for path in one.files})
        self._root = root
        self._hashes: dict[str, str] = {}
        self._failure: OSError | None = None
        self.start()

    def run(self) -> None:
        """Hash the files; a failure is kept for whoever asks."""
        self._add(self._paths)

    def _add(self, paths: Iterable[Path]) -> None:
        try:
            for path in paths:
                self._hashes[path.relative_to(self._root).as_posix()] = _hash(path)
        except OSError as error:
            self._failure = error

    def result(self, also: Iterable[Series] = ()) -> dict[str, str]:
        """The hashes, those of some more series included; waits until they are there."""
        self.join()
        if self._failure is None:
            self._add(path for series in also for path in series.files)
        if self._failure is not None:
            raise DataError(
                f"{self._failure.filename} cannot be read any more: {self._failure.strerror}; "
                "leave the data as they are during a run."
            ) from self._failure
        return dict(sorted(self._hashes.items()))


def _hash(path: Path) -> str:
    facts = path.stat()
    seen = (path.resolve(), facts.st_size, facts.st_mtime_ns)
    if seen not in _known:
        _known[seen] = file_hash(path)
    return _known[seen]
