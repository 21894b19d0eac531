"""Hashes of the data files, taken while the run goes on: reading them costs a tenth of its time."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread

from .errors import DataError
from .market.series import Series
from .market.stream import SymbolData


class FileHashes(Thread):
    """SHA-256 of every file of some series, by its path inside the data folder."""

    def __init__(self, sources: Iterable[Sequence[SymbolData]], root: Path) -> None:
        # A daemon: a run that fails early need not wait for the rest of a large store.
        super().__init__(daemon=True)
        found = [s for data in sources for d in data for s in (d.trade, d.mark, d.funding)]
        self._series: list[Series] = [s for s in found if s is not None]
        self._root = root
        self._hashes: dict[str, str] = {}
        self._failure: OSError | None = None
        self.start()

    def run(self) -> None:
        """Hash the files; a failure is kept for whoever asks."""
        try:
            for series in self._series:
                self._hashes.update(series.hashes)
        except OSError as error:
            self._failure = error

    def result(self) -> dict[str, str]:
        """The hashes, sorted by path; waits until they are there."""
        self.join()
        if self._failure is not None:
            raise DataError(
                f"{self._failure.filename} cannot be read any more: {self._failure.strerror}; "
                "leave the data as they are during a run."
            ) from self._failure
        inside = {Path(p).relative_to(self._root).as_posix(): h for p, h in self._hashes.items()}
        return dict(sorted(inside.items()))
