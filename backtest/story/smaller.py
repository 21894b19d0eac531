"""Less leverage: a lower setting, a smaller exposure, or in isolated mode both at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .judge import Judge
from .remedies import Remedy, remedy
from .search import Edge, Verdict, digits, edge, whole
from .slips import has_sizes, smaller_answers, smaller_orders

LEAST = 0.01
"""Share of the size under which nobody would call it the same strategy."""


def smaller(judge: Judge) -> Iterator[Remedy]:
    """The leverage in isolated mode, where it is the margin; the size where that moves the price.

    An isolated position's liquidation price depends on its leverage and hardly on its size, and
    the lower leverage may be more than the wallet can pay: then both are lowered alike.
    """
    with TemporaryDirectory() as folder:
        sizes = Sizes(judge, Path(folder))
        if judge.fall.cross:
            yield sizes.alone()
            return
        alone = leverage(judge)
        yield alone
        size = sizes.alone()
        yield size
        if alone.value is None and size.value is None:
            yield sizes.with_leverage()


def leverage(judge: Judge) -> Remedy:
    """A lower setting over the whole run."""
    config, judge.last = judge.replay.config, None

    def test(value: float) -> Verdict:
        return judge.changed(replace(config, leverage=value))

    return remedy(judge, "leverage", config.leverage, _lower(test, config.leverage))


def _lower(test: Callable[[float], Verdict], leverage: float) -> Edge:
    """The highest lower leverage that saves: whole numbers, from 2 on."""
    if leverage > 2.0:
        return edge(test, 0.0, leverage, whole)
    return edge(test, 1.0, leverage, digits)


class Sizes:
    """The same orders, smaller: by the config's exposure, or where they are sizes one by one."""

    def __init__(self, judge: Judge, folder: Path) -> None:
        self._judge, self._folder = judge, folder
        self._orders = judge.replay.config.orders
        self._sized = self._orders is not None and has_sizes(Path(self._orders))
        self._seen: list[bool] = []

    def _test(self, factor: float, leverage: float) -> Verdict:
        config, strategy = self._judge.replay.config, self._judge.replay.strategy
        changed = replace(config, exposure=digits(config.exposure * factor), leverage=leverage)
        if self._sized:
            path = smaller_orders(Path(str(self._orders)), factor, self._folder)
            changed = replace(config, orders=str(path), leverage=leverage)
        elif strategy is not None and strategy.kind == "on_bar":
            strategy = smaller_answers(strategy, factor, self._seen)
        return self._judge.changed(changed, strategy)

    @property
    def _by_size(self) -> bool:
        return self._sized or bool(self._seen)

    def alone(self) -> Remedy:
        """Smaller orders with the same leverage."""
        judge, config = self._judge, self._judge.replay.config
        judge.last = None

        def test(factor: float) -> Verdict:
            return self._test(factor, config.leverage)

        least = test(LEAST)
        kind, was = ("size", 1.0) if self._by_size else ("exposure", config.exposure)
        if least == "fell":
            return Remedy(kind, was, None, self._shown(LEAST), reason="never")
        found = edge(test, LEAST if least == "saved" else 0.0, 1.0, digits)
        saves = None if found.saves is None else self._shown(found.saves)
        return remedy(judge, kind, was, found._replace(saves=saves, fails=self._shown(found.fails)))

    def _shown(self, factor: float) -> float:
        """A factor as what a user would give: an exposure, or itself for sizes."""
        if self._by_size:
            return factor
        return digits(self._judge.replay.config.exposure * factor)

    def with_leverage(self) -> Remedy:
        """A lower leverage, and orders as many times smaller: the same money behind them."""
        judge, config = self._judge, self._judge.replay.config
        judge.last = None

        def test(value: float) -> Verdict:
            return self._test(value / config.leverage, value)

        found = remedy(judge, "both", config.leverage, _lower(test, config.leverage))
        share = (found.value or 0.0) / config.leverage
        shown = share if self._by_size else digits(config.exposure * share)
        return found if found.value is None else replace(found, exposure=shown)
