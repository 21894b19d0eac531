"""A venue's rules at a date as the oracle reads them: words and numbers of one contract.

They are read from the loaded rulebook (`backtest.venues.load`), by the oracle's own reading of
dates, of variants and of tier tables.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

DAY = 86_400_000
TIE = 1e-12
"""Share by which sums of lots may pass the edge of a tier: rounding, not size."""


@dataclass(slots=True)
class Rules:
    """What holds for one contract in one margin mode from a date on."""

    words: dict
    inverse: bool
    multiplier: float
    expires: int
    guessed: bool
    floors: list
    rates: list
    deductions: list
    leverages: list
    edges: list
    cap: float
    complete: bool
    slope: float
    rate_cap: float
    initial_slope: float
    lot: float
    min_size: float
    min_notional: float
    taker: float
    maker: float
    max_open: float
    band: float
    clearance: float
    closing: float
    delivery: float
    steps: tuple
    healthy_ratio: float
    key: str = ""
    grows: bool = False
    at_entry: bool = False
    fee_at_mark: bool = False
    constant: bool = False
    below: bool = False
    own_gains: bool = False
    cliffs: bool = False
    fee_inside: bool = False
    fee_on_cost: bool = False

    def __post_init__(self):
        """Names for the words that are asked for at every bar."""
        w = self.words
        self.key, self.grows = w["maintenance.tier_key"], w["maintenance.tier_rule"] == GROWS
        self.at_entry = w["maintenance.valued_at"] == "entry"
        self.fee_at_mark = w["maintenance.close_fee"] == "at_mark"
        self.fee_on_cost = w["maintenance.close_fee"] == "cost_and_margin"
        self.constant = (
            w["maintenance.close_fee"] in ("at_bankruptcy", "cost_and_margin")
            or w["maintenance.next_funding"] != "none"
        )
        self.below, self.own_gains = w["trigger.compare"] == "below", w["cross.gains"] == "own"
        self.cliffs = (
            w["maintenance.tier_rule"] in ("flat", "over_leverage")
            and self.key == "notional_at_mark"
            and len(self.floors) > 1
        )
        self.fee_inside = bool(w["bankruptcy.fee_included"])


GROWS = "linear_in_size"
WORDS = (
    "maintenance.tier_key", "maintenance.tier_rule", "maintenance.valued_at",
    "maintenance.close_fee", "maintenance.next_funding", "maintenance.change",
    "initial.valued_at", "initial.rate", "initial.isolated_open", "trigger.compare",
    "bankruptcy.fee_included", "cross.gains", "funding.from", "liquidation.order",
    "orders.margin", "orders.cancelled", "orders.max_open", "orders.band",
)  # fmt: skip
FEES = ("fees.taker", "fees.maker", "fees.clearance", "fees.delivery")


class Dated:
    """The rules of one symbol in one margin mode, by date."""

    def __init__(self, book, symbol, mode, leverage):
        self._what = (book, symbol, mode, leverage)
        self.instrument, self.family, self.expires = contract(book, symbol)
        self._tables = [t for t in book.tiers[self.family] if t.mode in ("", mode)]
        self.moments = sorted(self._dates(book))
        self._known = {}

    def _dates(self, book):
        """All moments at which something may become different."""
        found = {r.valid_from for history in book.decisions.values() for r in history}
        found |= {r.valid_from for history in self.instrument.sizes.values() for r in history}
        for table in self._tables:
            found |= {table.valid_from, table.seen_from, table.seen_until + 1}
            found.add(table.valid_from + DAY)
        return found | {book.checked_until + 1, self.expires}

    def at(self, ts):
        """The rules at a time."""
        era = bisect_right(self.moments, ts)
        if era not in self._known:
            self._known[era] = self._read(ts)
        return self._known[era]

    def until(self, ts):
        """When something may become different next."""
        era = bisect_right(self.moments, ts)
        return self.moments[era] if era < len(self.moments) else inf

    def _read(self, ts):
        book, _, mode, leverage = self._what
        kind = self.instrument.contract

        def say(key):
            for name in (f"{mode}.{key}", f"{kind}.{key}", key):
                if name in book.decisions:
                    return in_force(book.decisions[name], ts).value
            return None

        words = {key: say(key) for key in WORDS} | {"legs": say("hedge.legs") or "separate"}
        fees = {key: say(key) for key in FEES}
        for key in ("taker_fee", "maker_fee", "clearance_fee"):
            if key in self.instrument.sizes:
                fees["fees." + key[:-4]] = in_force(self.instrument.sizes[key], ts).value
        process = say("liquidation." + mode)
        closing = say("fees.closing")
        return Rules(
            words=words,
            **self._of_contract(ts),
            **self._of_table(ts, words["maintenance.tier_rule"], leverage),
            taker=fees["fees.taker"],
            maker=fees["fees.maker"],
            max_open=words["orders.max_open"],
            band=words["orders.band"] or inf,
            clearance=fees["fees.clearance"],
            delivery=fees["fees.delivery"] or 0.0,
            closing=fees["fees.taker"] if closing is None else closing,
            steps=process.steps,
            healthy_ratio=process.healthy_ratio,
        )

    def _of_contract(self, ts):
        sizes = self.instrument.sizes
        return {
            "inverse": self.instrument.contract == "inverse",
            "multiplier": self.instrument.multiplier,
            "lot": in_force(sizes["lot"], ts).value,
            "min_size": in_force(sizes["min_size"], ts).value,
            "min_notional": in_force(sizes["min_notional"], ts).value,
        }

    def _of_table(self, ts, rule, leverage):
        """The tiers in force, in units of size or of money; deductions keep brackets continuous."""
        current = in_force(self._tables, ts)
        table, listed = current, [t for t in self._tables if t.listed]
        if not current.listed:
            table = [t for t in listed if t.valid_from < current.valid_from][-1]
        unit = self.instrument.contract_size if table.unit == "contracts" else 1.0
        floors = [floor * unit for floor in table.floors]
        rates = [rate / (leverage if rule == "over_leverage" else 1.0) for rate in table.rates]
        return {
            "floors": floors,
            "rates": rates,
            "deductions": deductions(floors, rates, rule == "progressive"),
            "leverages": list(table.max_leverages),
            "edges": [floor * (1.0 + TIE) for floor in floors[1:]],
            "cap": table.cap * unit,
            "complete": table.complete,
            "slope": table.rate_slope,
            "rate_cap": table.rate_cap,
            "initial_slope": table.initial_slope,
            "expires": min(self.expires, self._delisted(ts)),
            "guessed": self._is_guess(current, ts),
        }

    def _delisted(self, ts):
        """When the listing that is, or was last, in force ends."""
        past = [t for t in self._tables if t.valid_from <= ts] or self._tables[:1]
        begun = [t for t in past if t.listed][-1].valid_from
        gone = [t.valid_from for t in self._tables if not t.listed and t.valid_from > begun]
        return gone[0] if gone else inf

    def _is_guess(self, table, ts):
        """Whether no source says that this table was in force then."""
        last_look = max(self._what[0].checked_until, table.valid_from + DAY - 1)
        known = max(table.valid_from, table.seen_from) <= ts <= min(last_look, table.seen_until)
        return not known


def in_force(history, ts):
    """The last of what began by a time; before all of it the first."""
    begun = [one for one in history if one.valid_from <= ts]
    return begun[-1] if begun else history[0]


def deductions(floors, rates, progressive):
    """cum_1 = 0, cum_k = cum_(k-1) + floor_k · (rate_k − rate_(k-1))."""
    found = [0.0]
    for k in range(1, len(floors)):
        found.append(found[-1] + floors[k] * (rates[k] - rates[k - 1]) * progressive)
    return found


def contract(book, symbol):
    """(instrument, symbol of its tiers, end): `BTC/USD:BTC-261225` is one of `BTC/USD:BTC-*`."""
    if symbol in book.instruments:
        return book.instruments[symbol], symbol, inf
    family, _, day = symbol.rpartition("-")
    one = book.instruments[family + "-*"]
    midnight = datetime.strptime(day, "%y%m%d").replace(tzinfo=UTC).timestamp() * 1000
    return one, family + "-*", int(midnight + one.expiry_hour * 3_600_000)
