"""The symbols of a user's list of orders, which may be written as --symbol takes them."""

from pathlib import Path

import polars as pl

from .accounts import Account
from .errors import UnknownNameError, UsageError

ADD = "add it with --symbol"


def in_names_of_run(path: Path, frame: pl.DataFrame, account: Account) -> pl.DataFrame:
    """The rows with each symbol as the run names it.

    A name that is not the run's own means what it would mean with --symbol on the account's
    venue: a coin its main perpetual. Raises UsageError for one that is not in the run.
    """
    written = [str(name) for name in frame["symbol"].unique().sort()]
    meant = {name: _name(path, name, account) for name in written}
    return frame.with_columns(pl.col("symbol").replace_strict(meant, return_dtype=pl.String))


def _name(path: Path, written: str, account: Account) -> str:
    names = account.names
    if written in names:
        return written
    try:
        own = account.rulebook.match(written)
    except UsageError:
        what, hint = f"symbol of {account.venue} in {path}", f"Write one of these, or {ADD}."
        raise UnknownNameError(what, written, names, hint) from None
    if own in account.symbols:
        return names[account.symbols.index(own)]
    meant = written if own == written else f"{written}, which is {own},"
    raise UsageError(
        f"{meant} in {path} is not in the run on {account.venue}; write {' or '.join(names)} "
        f"there, or {ADD}."
    )
