"""Playing an account again, from its start or from the open at which a position was opened."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..config import RunConfig
from ..core.types import CLOSE, FUNDING_INSIDE, MARK_CLOSE, MARK_OPEN, OPEN
from ..crew import Crew, open_stream
from ..journal import Journal
from ..market.store import Store
from ..market.stream import Block
from ..plan import Group, Plan, plan_run
from ..records import Recorder
from ..samples import sample_data
from ..session import Session
from ..strategy import Strategy
from .memory import Memory

LEAD_BARS = 8
"""Bars before a start that are kept to be shown."""
Slip = Callable[[Session], None]
"""What is done to an account between two bars."""


@dataclass(frozen=True)
class Start:
    """Where an account stood at an open, the bars before it and those from it on."""

    carried: Any
    before: Block | None
    blocks: list[Block]


@dataclass(frozen=True)
class Outcome:
    """The records of an account that was played, and its money at the end by settle asset."""

    records: Memory
    equity: Mapping[str, float]
    rules: Any

    def frame(self, kind: str) -> pl.DataFrame:
        """The records of a kind."""
        return self.records.frame(kind)


@dataclass
class Player(Crew):
    """A crew of one account, which may begin in the middle and be changed between two bars."""

    begin: Start | None = None
    at: int = 0
    slip: Slip | None = None
    found: Start | None = None
    """Where the account stood at `at`, if it was played from its start."""
    _rest: list[Block] = field(default_factory=list)

    def _run(self, number: int, recorder: Recorder) -> None:
        session = self._sessions[number][0]
        if self.begin is None:
            self._give_orders(number, recorder)
            blocks = self._from_start(session)
        else:
            self._open_dialogues(number)
            if self.begin.blocks:
                session.carry_on(deepcopy(self.begin.carried))
            if self.slip is not None:
                self.slip(session)
            blocks = iter(self.begin.blocks)
        for block in blocks:
            session.feed(block, recorder)
        for life in session.lives:
            life.flush(recorder)

    def _from_start(self, session: Session) -> Iterator[Block]:
        """All bars; at the open `at` the account's state is kept, and the bars from then on."""
        stream = open_stream(self.config, self.plan.groups[0], asked=self._asks)
        before: Block | None = None
        for passed, block in enumerate(stream.blocks()):
            if passed == 0:
                session.worst.engine.know_funding(stream.last_funding)
            cut = int(np.searchsorted(block.ts, self.at))
            if cut > 0:
                yield cut_block(block, 0, cut)
                before = cut_block(block, max(cut - LEAD_BARS, 0), cut)
            if cut < len(block.ts):
                if self.found is None:
                    self.found = Start(deepcopy(session.carried), before, self._rest)
                self._rest.append(cut_block(block, cut, len(block.ts)))
                yield self._rest[-1]


def cut_block(block: Block, first: int, last: int) -> Block:
    """Bars [first, last) of a block, as arrays of their own."""
    parts: list[Any] = [block.ts, block.prices, block.flags]
    return Block(*(np.ascontiguousarray(part[..., first:last]) for part in parts))


def only_open(block: Block) -> Block:
    """The first bar of a block as if it had ended at its open."""
    bar = cut_block(block, 0, 1)
    bar.prices[OPEN : CLOSE + 1] = bar.prices[OPEN]
    bar.prices[MARK_OPEN : MARK_CLOSE + 1] = bar.prices[MARK_OPEN]
    bar.prices[FUNDING_INSIDE] = np.nan
    return bar


class Replay:
    """One account of a run, to be played as often as one likes.

    `config` is for one venue and ends where the story does; `at` is the open from which on
    changes are made. `runs` counts how often it was played, `tell` is told.
    """

    def __init__(
        self, config: RunConfig, strategy: Strategy | None, at: int,
        tell: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self.config, self.strategy, self.at = config, strategy, at
        self.runs, self._tell = 0, tell
        store = Store(Path(config.data) if config.data else sample_data())
        self.group: Group = plan_run(config, store).groups[0]
        self._every_bar = replace(config, sample=config.timeframe)
        player = self._player(self._every_bar, None)
        self._play(player, Memory())
        self.start = player.found or Start(None, None, [])

    def unchanged(self, since: int) -> Outcome:
        """Play from the open `at` on, with samples of that bar and from `since` on."""
        return self._play(self._player(self._every_bar, self.start), Memory(self.at, since))

    def at_its_open(self) -> Outcome:
        """Play the open of the bar `at` alone, with a sample there."""
        alone = [only_open(self.start.blocks[0])]
        begin = Start(self.start.carried, None, alone)
        return self._play(self._player(self._every_bar, begin), Memory(self.at, self.at))

    def again(self, slip: Slip) -> Outcome:
        """Play from the open `at` on, with what `slip` does there to the account."""
        player = self._player(self.config, self.start)
        player.slip = slip
        return self._play(player, Memory())

    def changed(self, config: RunConfig, strategy: Strategy | None = None) -> Outcome:
        """Play from the start with another config, or another strategy in the run's place."""
        return self._play(self._player(config, None, strategy), Memory())

    def _player(
        self, config: RunConfig, begin: Start | None, strategy: Strategy | None = None
    ) -> Player:
        journal = Journal(Path(), None)
        plan = Plan([self.group], {})
        return Player(config, strategy or self.strategy, plan, journal, begin=begin, at=self.at)

    def _play(self, player: Player, memory: Memory) -> Outcome:
        self.runs += 1
        if self._tell is not None:
            self._tell(self.runs)
        session = player.work(memory)[0]
        memory.finish()
        pools = session.worst.engine.pools["equity"].tolist()
        equity = dict(zip(session.account.assets, pools, strict=True))
        return Outcome(memory, equity, session.rules)
