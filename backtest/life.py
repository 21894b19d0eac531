"""One course that an account's history may have taken, bar by bar and inside of bars.

An account begins with one life. Where a bar's order of events is not known and leads to different
ends, the life is played in finer bars, if there are some, or parts into two (`session`).
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from .columns import Names
from .core.engine import Engine
from .core.state import KINDS, Path
from .core.types import MARK_IS_COARSE
from .dialogue import Dialogue
from .fate import Fate
from .market.stream import Block
from .money import Flows
from .records import Recorder


@dataclass
class Frame:
    """Bars of a block that are being played: those before `at` are done."""

    block: Block
    length_ms: int
    at: int = 0


@dataclass
class Tally:
    """Bars of the run whose order of events mattered, those that were looked into, those that the
    finer candles settled, and those that stayed open.
    """

    unsure: int = 0
    drilled: int = 0
    open: int = 0

    @property
    def resolved(self) -> int:
        """Bars that are clear once they are looked into."""
        return self.unsure - self.open


@dataclass
class Life:
    """An engine with what belongs to its account: names, counted money, a strategy's dialogue.

    `frames` are the bars that are being played, each frame inside a bar of the one before it.
    """

    engine: Engine
    names: Names
    flows: Flows
    dialogue: Dialogue | None = None
    frames: list[Frame] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    fate: Fate | None = None
    came: int = 0
    _left_open: bool = False

    def begin(self, block: Block, length_ms: int) -> None:
        """Have the bars of a block to play."""
        self.frames = [Frame(block, length_ms)]
        self._load()

    def play(self) -> bool:
        """Play on; False where the ways of a bar part and somebody must say how to go on."""
        engine = self.engine
        while self.frames:
            frame = self.frames[-1]
            if self.dialogue is not None and len(self.frames) == 1:
                frame.at = self.dialogue.feed(frame.block, frame.at)
            else:
                frame.at = engine.run(frame.at, len(frame.block.ts))
            if engine.unsure:
                return False
            self._leave()
        return True

    def look_into(self, inside: Block) -> None:
        """Play the bar that is unsure as the finer bars inside it."""
        outer = self.frames[-1]
        if len(self.frames) == 1:
            self._note_unsure()
            self.tally.drilled += 1
        self.engine.go_fine()
        self.frames.append(Frame(inside, outer.length_ms // len(inside.ts)))
        self._load()

    def decide(self, path: Path, *, ask: bool) -> None:
        """Go on along a path from the bar that is unsure; `ask`: stop at the next such bar too."""
        if len(self.frames) == 1:
            self._note_unsure()
        if not self._left_open:
            self._left_open = True
            self.tally.open += 1
        self.engine.decide(path, ask=ask)
        self.names = replace(self.names, path=path.name.lower())

    def part(self) -> "Life":
        """The same life once more, to go another way; its records must have been taken."""
        twin = self.shadow()
        twin.dialogue = self.dialogue.fork(twin.engine) if self.dialogue else None
        twin.tally = replace(self.tally)
        return twin

    def shadow(self, depth: int = 0) -> "Life":
        """The same account without its strategy, to play the rest of the frames from number
        `depth` on; its records must have been taken.
        """
        twin = replace(
            self, engine=self.engine.copy(), dialogue=None, flows=deepcopy(self.flows),
            frames=[replace(frame) for frame in self.frames[depth:]], tally=Tally(),
        )  # fmt: skip
        twin._load()
        return twin

    def long_bar(self) -> int | None:
        """Number of the frame whose bar alone knows the marks; None: those played know them."""
        concerned = sorted(self.engine.concerned)
        for number, frame in reversed(list(enumerate(self.frames))):
            if not (frame.block.flags[concerned, frame.at] & MARK_IS_COARSE).any():
                return None if frame is self.frames[-1] else number
        return None

    @property
    def carried(self) -> dict[str, Any]:
        """All that is carried from block to block; take the records before."""
        return {
            "engine": self.engine.save(),
            "path": self.names.path,
            "flows": [dict(one) for one in self.flows.usd],
            "dialogue": self.dialogue.carried if self.dialogue else None,
            "tally": self.tally,
        }

    def carry_on(self, carried: Mapping[str, Any], *, ask: bool) -> None:
        """Go on from what was carried; `ask` as in `decide`."""
        self.engine.resume(carried["engine"])
        if carried["path"] != self.names.path:
            self.engine.decide(Path[carried["path"].upper()], ask=ask)
            self.names = replace(self.names, path=carried["path"])
        self.flows.carry_on(carried["flows"])
        self.tally = carried["tally"]
        if self.dialogue is not None:
            self.dialogue.carry_on(carried["dialogue"])

    def flush(self, recorder: Recorder) -> None:
        """Hand the records written so far to the files."""
        records = {kind: self.engine.take(kind) for kind in KINDS}
        self.flows.add(records)
        recorder.add(self.names, records)

    def _note_unsure(self) -> None:
        self.tally.unsure += 1
        self._left_open = False

    def _leave(self) -> None:
        """Go back from the end of a block to the bar that it was the inside of."""
        done = self.frames.pop()
        if not self.frames:
            self.came = done.at
            return
        frame = self.frames[-1]
        if self.fate and (len(self.frames) == self.fate.depth + 1 or self.engine.stopped):
            self.fate.judge(self.engine)
            self.fate = None
        self._load()
        if len(self.frames) == 1:
            self.engine.end_bar(frame.at)
            if self.dialogue is not None and not self.engine.stopped:
                self.dialogue.ask(frame.at)
        frame.at += 1
        if self.engine.stopped:
            self.came = self.frames[0].at
            self.frames.clear()

    def _load(self) -> None:
        if self.frames:
            block: Any = self.frames[-1].block
            self.engine.load(block.ts, block.prices, block.flags)
