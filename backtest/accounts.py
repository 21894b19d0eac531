"""One venue's part in a run: its symbols, what prices them, and what its money is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

from .config import RunConfig
from .core.state import UNPRICED
from .errors import BacktestError, DataError, UnknownNameError, UsageError, instead
from .market.store import Store
from .pricing import price_symbol, priced_by
from .venues import Rulebook, known

Source = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Account:
    """One venue's rules to run: its symbols, and the venue and symbols that give the prices.

    `names` are the symbols as the run names them, `assets` the settle assets, `pools` the
    number of each symbol's settle asset, `priced_by` for each asset the number of the symbol
    whose mark is its price in USD (or IS_USD, UNPRICED).
    """

    rulebook: Rulebook
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    price_venue: str
    price_symbols: tuple[str, ...]
    assets: tuple[str, ...]
    pools: tuple[int, ...]
    priced_by: tuple[int, ...]

    @property
    def venue(self) -> str:
        """ccxt id of the venue whose rules run."""
        return self.rulebook.id

    @property
    def source(self) -> Source:
        """Accounts with the same source share one stream."""
        return self.price_venue, self.price_symbols


def make_account(config: RunConfig, store: Store, book: Rulebook) -> Account:
    """A venue's part in a run; refuses what its rules or the store do not have."""
    symbols = tuple(book.match(symbol) for symbol in config.symbols)
    _refuse_same_contract(config.symbols, symbols, book.id)
    _refuse_one_way_venue(config, book)
    price_venue = config.prices or book.id
    if not store.venues():
        raise DataError(
            f"there is no venue folder in {store.root}; give a folder laid out as "
            "VENUE/SYMBOL/KIND/1h.parquet with --data."
        )
    if price_venue not in store.venues():
        raise _no_prices(store, price_venue)
    wanted = config.symbols if config.prices else symbols
    priced = tuple(price_symbol(store, price_venue, symbol) for symbol in wanted)
    settles = [book.instrument(symbol).settle for symbol in symbols]
    assets = tuple(dict.fromkeys(settles))
    pools = tuple(assets.index(settle) for settle in settles)
    coins = tuple(priced_by(symbols, asset) for asset in assets)
    _refuse_unpriced(config, book.id, dict(zip(assets, coins, strict=True)))
    return Account(book, config.symbols, symbols, price_venue, priced, assets, pools, coins)


def _no_prices(store: Store, venue: str) -> BacktestError:
    """A venue with rules that the store lacks is missing data, any other name a mistake."""
    if venue not in known():
        what, hint = f"price venue in {store.root}", "Name one with --prices."
        return UnknownNameError(what, venue, store.venues(), hint)
    return DataError(
        f"there are no prices of {venue} in {store.root}; {instead(venue, store.venues())} "
        "Name one with --prices, or add the files."
    )


def _refuse_same_contract(names: Sequence[str], symbols: Sequence[str], venue: str) -> None:
    for number, symbol in enumerate(symbols):
        if symbol in symbols[:number]:
            first = names[symbols.index(symbol)]
            raise UsageError(
                f"{first} and {names[number]} are both {symbol} on {venue}; name only one of them."
            )


def _refuse_one_way_venue(config: RunConfig, book: Rulebook) -> None:
    if config.hedge and "hedge.legs" not in book.decisions:
        raise UsageError(
            f"{book.id} has no hedge mode: it holds one position per symbol; run it with "
            "--position-mode one_way, or leave it out of --venue."
        )


def _refuse_unpriced(config: RunConfig, venue: str, coins: dict[str, int]) -> None:
    for asset, number in coins.items():
        if number == UNPRICED and config.cash_in == "usd":
            raise UsageError(
                f"{venue} settles in {asset} here and no symbol of the run prices {asset} in USD, "
                f"so cash of {config.cash:g} USD cannot buy it; add {asset} to --symbol, or give "
                f"--cash in {asset} with --cash-in settle."
            )
