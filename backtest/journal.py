"""What a run has written so far, and where its accounts stand: enough to go on after a kill.

A journal is one file that only grows. Its entries are records as the engines gave them, and
states of all accounts. Whoever goes on writes the records once more, which costs little, and so
ends with the same files as a run that nobody disturbed. A torn end is known by its checksum.
"""

import fcntl
import pickle
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from .errors import ResultError

NAME, UNFINISHED = "journal", "journal-begun"
EVERY_SECONDS = 1.0
"""Between two states; a run shorter than this keeps no journal."""
HELD_BYTES = 32 << 20
"""What is held back at most until then."""
_HEAD = struct.Struct("<QI")


class Entry(NamedTuple):
    """`begin` (what is run), `records`, `gaps` (what was recorded) or `state` (of all accounts)."""

    kind: str
    content: Any


class Journal:
    """Entries of a run that is under way; nobody else can open it meanwhile."""

    def __init__(self, path: Path, begin: Any, size: int = 0) -> None:
        """Go on after `size` bytes; with 0 begin with what is run."""
        self.path = path
        self._file: IO[bytes] | None = None
        self._size, self._held_bytes = size, 0
        self._held: list[Entry] = [] if size else [Entry("begin", begin)]
        self._written = time.monotonic()

    def note(self, kind: str, content: Any, size: int) -> None:
        """Add what was recorded, of about so many bytes."""
        self._held.append(Entry(kind, content))
        self._held_bytes += size

    def keep(self, state: Callable[[], Any]) -> None:
        """Write everything and the state of all accounts, if the last time is long enough ago."""
        waited = time.monotonic() - self._written
        if waited < EVERY_SECONDS and self._held_bytes < HELD_BYTES:
            return
        try:
            self._held.append(Entry("state", pickle.dumps(state(), pickle.HIGHEST_PROTOCOL)))
            pickle.dumps(self._held[0], pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError):
            # what a strategy keeps, or a policy or parameter given as an object, cannot be
            # written: such a run ends with its process
            self._held, self._held_bytes = self._held[:1], 0
            self._written = float("inf")
            return
        first = self._file is None
        file = self._file = self._file or self._open(self.path.with_name(UNFINISHED))
        for entry in self._held:
            _append(file, entry)
        file.flush()
        if first:  # under its name a journal always says how to go on
            self.path.with_name(UNFINISHED).replace(self.path)
        self._held.clear()
        self._held_bytes, self._written = 0, time.monotonic()

    def hold(self) -> "Journal":
        """Take hold of the file that is gone on with."""
        self._file = self._open(self.path)
        return self

    def _open(self, path: Path) -> IO[bytes]:
        file = path.open("r+b" if self._size else "xb")
        try:
            _lock(file, path)
        except ResultError:
            file.close()
            raise
        file.truncate(self._size)
        file.seek(self._size)
        return file

    def __enter__(self) -> "Journal":
        """Entries may come."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _append(file: IO[bytes], entry: Entry) -> None:
    body = pickle.dumps(tuple(entry), pickle.HIGHEST_PROTOCOL)
    file.write(_HEAD.pack(len(body), zlib.crc32(body)))
    file.write(body)


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ResultError(
            f"the run in {path.parent} is still going on; wait for it, or end it first."
        ) from error


class Kept(NamedTuple):
    """A journal that was left behind: what is run, the last state, and where that ends."""

    path: Path
    begin: Any
    state: Any
    size: int

    def records(self) -> Iterator[Entry]:
        """What was recorded until that state, in order."""
        for entry, _ in _entries(self.path, self.size):
            if entry.kind in ("records", "gaps"):
                yield entry


def read_journal(path: Path) -> Kept | None:
    """The journal at `path`; None where there is none that says how to go on."""
    begin, state, size = None, None, 0
    try:
        for entry, end in _entries(path, path.stat().st_size):
            if entry.kind == "begin":
                begin = entry.content
            if entry.kind == "state":
                state, size = entry.content, end
    except OSError:
        return None
    if begin is None or state is None:
        return None
    return Kept(path, begin, pickle.loads(state), size)


def _entries(path: Path, size: int) -> Iterator[tuple[Entry, int]]:
    """Whole entries up to `size` bytes, each with where it ends."""
    with path.open("rb") as file:
        while file.tell() < size:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            length, checksum = _HEAD.unpack(head)
            body = file.read(length)
            if len(body) < length or zlib.crc32(body) != checksum:
                return
            yield Entry(*pickle.loads(body)), file.tell()
