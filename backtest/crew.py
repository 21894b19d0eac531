"""All accounts of a run at work: each group of them over one pass of its stream."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .config import RunConfig, milliseconds
from .dialogue import Dialogue, Manners
from .errors import StrategyError
from .frames import lazy_frames
from .journal import Journal, Kept
from .legs import Positions
from .market.stream import BLOCK_BARS, Stream
from .order_file import order_events, read_orders
from .order_symbols import in_names_of_run
from .orders import from_targets
from .plan import Group, Plan
from .policies import Policies, parse_policy
from .records import Recorder
from .session import Session, open_session
from .strategy import Strategy

Progress = Callable[[int, int], None]
ASKED_BARS = 8192
"""Bars of a block where a strategy is asked at each: a kill loses no more than these."""


@dataclass
class Crew:
    """What is run, and how far every group has come: in blocks of its stream."""

    config: RunConfig
    strategy: Strategy | None
    plan: Plan
    journal: Journal
    progress: Progress | None = None
    done: int = 0
    _blocks: list[int] = field(default_factory=list)
    _ended: list[bool] = field(default_factory=list)
    _sessions: list[list[Session]] = field(default_factory=list)

    def work(self, recorder: Recorder, kept: Kept | None = None) -> list[Session]:
        """Run everything, or what a kept run has left to do; returns the sessions that ended."""
        for group in self.plan.groups:
            self._sessions.append(
                [open_session(self.config, account, group) for account in group.accounts]
            )
            self._blocks.append(0)
            self._ended.append(False)
        if kept is not None:
            self._carry_on(kept, recorder)
        recorder.journal = self.journal
        for number in range(len(self.plan.groups)):
            if not self._ended[number]:
                self._run(number, recorder)
        return [session for group in self._sessions for session in group]

    def _run(self, number: int, recorder: Recorder) -> None:
        group, sessions = self.plan.groups[number], self._sessions[number]
        stream = open_stream(self.config, group, asked=self._asks)
        self._give_orders(number, recorder)
        for passed, block in enumerate(stream.blocks(), 1):
            if passed > self._blocks[number]:
                for session in sessions:
                    if passed == 1:
                        session.worst.engine.know_funding(stream.last_funding)
                    session.feed(block, recorder)
                self._blocks[number] = passed
                self.journal.keep(self._carried)
            self._count(len(block.ts))
        for session in sessions:
            session.end(recorder, stream)
        self._ended[number] = True
        self.journal.keep(self._carried)

    def _carried(self) -> Any:
        """Where all accounts stand, to go on from after a kill."""
        sessions = [[one.carried for one in group] for group in self._sessions]
        return {"blocks": list(self._blocks), "ended": list(self._ended), "sessions": sessions}

    def _carry_on(self, kept: Kept, recorder: Recorder) -> None:
        """Write what was recorded before once more, and put all accounts where they stood."""
        names = {s.account.venue: s.worst.names for group in self._sessions for s in group}
        for kind, content in kept.records():
            if kind == "gaps":
                recorder.add_gaps(*content)
                continue
            venue, path, records = content
            recorder.add(replace(names[venue], path=path), records)
        self._blocks, self._ended = kept.state["blocks"], kept.state["ended"]
        for number, sessions in enumerate(self._sessions):
            self._open_dialogues(number)
            for session, carried in zip(sessions, kept.state["sessions"][number], strict=True):
                session.carry_on(carried)

    def _count(self, bars: int) -> None:
        self.done += bars
        if self.progress is not None:
            spans = [group.span for group in self.plan.groups]
            bar_ms = self.config.timeframe_ms
            self.progress(self.done, sum((s.until - s.since) // bar_ms for s in spans))

    @property
    def _asks(self) -> bool:
        """Whether somebody is asked at every close."""
        on_bar = self.strategy is not None and self.strategy.kind == "on_bar"
        return on_bar or bool(self.config.policies)

    def _open_dialogues(self, number: int) -> None:
        """Let an `on_bar` strategy and the policies talk to every account of a group."""
        if not self._asks:
            return
        config, group = self.config, self.plan.groups[number]
        asked = self.strategy if self.strategy and self.strategy.kind == "on_bar" else None
        positions = Positions(tuple(group.symbols), config.hedge)
        policies = Policies(tuple(parse_policy(one) for one in config.policies))
        manners = Manners(
            config.exposure, config.timeframe_ms, delay_ms=config.delay_ms, policies=policies,
            alerts=config.thresholds,
        )  # fmt: skip
        for session in self._sessions[number]:
            life = session.worst
            life.dialogue = Dialogue(asked, life.engine, positions, manners)

    def _give_orders(self, number: int, recorder: Recorder) -> None:
        """Hand every account of a group that begins its order events, or a dialogue."""
        if self._blocks[number] > 0:
            return
        self._open_dialogues(number)
        if self.strategy is None:
            self._replay(number, recorder)
        elif self.strategy.kind == "targets":
            events = _targets(self.config, self.strategy, self.plan.groups[number])
            for session in self._sessions[number]:
                session.worst.engine.give(events)

    def _replay(self, number: int, recorder: Recorder) -> None:
        """Hand over the rows of the order file, which name symbols as each account's venue does."""
        config, group = self.config, self.plan.groups[number]
        path = Path(str(config.orders))
        frame, positions = read_orders(path), Positions(tuple(group.symbols), config.hedge)
        last = group.span.until - config.timeframe_ms
        for session in self._sessions[number]:
            own = in_names_of_run(path, frame, session.account)
            events = order_events(path, own, positions, config.exposure)
            inside = (events["ts"] >= group.span.since) & (events["ts"] <= last)
            session.leave_out(recorder, events[~inside])
            session.worst.engine.give(events[inside])


def open_stream(config: RunConfig, group: Group, asked: bool) -> Stream:
    """The bars of a group; in small blocks, and with volume, where a strategy is asked at each."""
    return Stream(
        group.data, config.timeframe_ms, group.span.since, group.span.until, volume=asked,
        max_gap_ms=milliseconds(config.max_gap), missing_funding=config.funding_policy,
        block_bars=ASKED_BARS if asked else BLOCK_BARS,
    )  # fmt: skip


def _targets(config: RunConfig, strategy: Strategy, group: Group) -> Any:
    frames = lazy_frames(strategy, group.data, group.symbols, group.span)
    positions = Positions(tuple(group.symbols), config.hedge)
    try:
        return from_targets(strategy, frames, positions, config.exposure, config.timeframe_ms)
    except StrategyError:
        # Frames are read without the stream's checks: a broken file must not look like the
        # strategy's fault, so the stream is asked whether it finds one.
        for _ in open_stream(config, group, asked=True).blocks():
            pass
        raise
