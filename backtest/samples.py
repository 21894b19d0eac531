"""Where the bundled sample and the example strategies lie: in the checkout, or in the package."""

from dataclasses import replace
from pathlib import Path

from .config import RunConfig
from .errors import DataError
from .market.store import Store

LONGEST_SERIES = ("binanceusdm", "BTC/USDT:USDT", "trade", "1h")
"""The series of the sample that has every stretch."""

PLACES = (Path(__file__).parents[1], Path(__file__).parent / "bundled")


def sample_data() -> Path:
    """Folder of the bundled synthetic market."""
    return _find("datasets/sample")


def open_data(config: RunConfig) -> tuple[RunConfig, Store]:
    """The data of a run, and the run on them: the bundled sample, within one of its stretches.

    The sample's years and crashes lie far apart. A date that is not given is the end of the stretch
    in which the other one lies; without any the longest is run.
    """
    if config.data:
        return config, Store(config.data)
    store = Store(sample_data())
    stretches = store.series(*LONGEST_SERIES).segments
    since, until = config.since, config.until
    if since is not None:
        inside = [s for s in stretches if s.start <= since < s.stop]
    elif until is not None:
        inside = [s for s in stretches if s.start < until <= s.stop]
    else:
        inside = [max(stretches, key=lambda s: s.stop - s.start)]
    for stretch in inside:
        since = stretch.start if since is None else since
        until = stretch.stop if until is None else until
    return replace(config, since=since, until=until), store


def sample_strategy(name: str = "sma_cross") -> Path:
    """File of a bundled example strategy."""
    return _find(f"strategies/{name}.py")


def _find(relative: str) -> Path:
    for place in PLACES:
        if (place / relative).exists():
            return place / relative
    raise DataError(
        f"{relative} is not beside the program; run from a clone of the repository, "
        "or name your own data with --data and your own strategy file."
    )
