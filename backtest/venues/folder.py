"""The user's data folder: imported tier tables and venues of the user's own.

$BACKTEST_DATA_DIR, else $XDG_DATA_HOME/liquidation-backtest, else
~/.local/share/liquidation-backtest
    tiers/VENUE.parquet       tier tables that `backtest tiers import` wrote
    venues/NAME.toml          a venue, with instruments/NAME.toml and tiers/NAME.toml beside it
"""

import os
from pathlib import Path

from ..errors import RulebookError

NAME = "liquidation-backtest"
BUILT_IN = Path(__file__).parent


def data_folder() -> Path:
    """The user's data folder; it need not exist."""
    chosen = os.environ.get("BACKTEST_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / NAME


def import_file(venue: str) -> Path:
    """Where the imported tier tables of a venue are kept."""
    return data_folder() / "tiers" / f"{venue}.parquet"


def built_in() -> list[str]:
    """Ids of the venues that come with the program."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def user_venues() -> dict[str, Path]:
    """The user's own venues: rulebook files by id."""
    return {path.stem: path for path in sorted((data_folder() / "venues").glob("*.toml"))}


def rulebook_file(venue: str) -> Path:
    """The rulebook of a known venue; refuses a user's file that has a built-in venue's id."""
    own = user_venues().get(venue)
    if own is None:
        return BUILT_IN / f"{venue}.toml"
    if venue in built_in():
        raise RulebookError(
            f"{own} has the id of the built-in venue {venue!r}; rename the file and its id, "
            "or change single rules with --rule."
        )
    return own


def stamp(venue: str) -> tuple[object, ...]:
    """What changes when a file of the user that a venue is loaded from does."""
    own = user_venues().get(venue)
    files = [import_file(venue)]
    if own is not None:
        files += [own, *(own.parent / part / own.name for part in ("instruments", "tiers"))]
    return tuple((path, _state(path)) for path in files)


def _state(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
