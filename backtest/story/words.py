"""A story in sentences, and its parts and remedies as people name them."""

from typing import TYPE_CHECKING

from ..values import format_time
from ..venues.symbols import STABLE
from .moved import Part
from .pick import Key, ms
from .remedies import Remedy
from .state import asset_of

if TYPE_CHECKING:
    from .story import Story

HOUR_MS, DAYS_FROM, THOUSAND, LARGE = 3_600_000, 72, 1_000.0, 100_000.0
BY = {"last": "last price", "mark": "mark"}
SAVED = "so nothing of it is liquidated until"


def money(value: float, asset: str) -> str:
    """An amount: cents of a stablecoin, units of a large sum, a millionth of a coin."""
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if asset in STABLE else f"{value:,.6f}"


def price(value: float) -> str:
    """A price with six significant digits."""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def when(stamp: int) -> str:
    """A time to the minute, UTC."""
    return format_time(stamp)


def headline(story: "Story") -> str:
    """Who fell, when, at which mark, why, and how sure that is."""
    fall, first = story.fall, story.fall.first
    number = f"liquidation {story.number:,} of {story.count:,}, {first['venue']}"
    if fall.path == "optimistic":
        number += ", on the optimistic path"
    cause = {"funding": "pushed by funding", "tier change": "by a change of tiers"}
    why = cause.get(first["cause"], "by the price")
    fell = f"was liquidated on {when(ms(first['ts']))} at a mark of {price(first['mark_price'])}"
    return f"{number}: {_who(story)} {fell}, {why}, {_after(story)}.\n{_sure(story)} {_end(story)}"


def _who(story: "Story") -> str:
    fall, first, leverage = story.fall, story.fall.first, story.config.leverage
    position = f"{first['side']} {abs(first['size_before']):.6g} {first['symbol']}"
    entry = price(first["entry_price"])
    if not fall.cross:
        return f"the isolated {position}, opened at {entry} with {leverage:g}x,"
    asset = asset_of(fall.key[0])
    if len(fall.opened) == 1:
        return f"the cross account in {asset} with {position}, opened at {entry},"
    return f"the cross account in {asset} with {len(fall.opened)} positions"


def _after(story: "Story") -> str:
    hours = (ms(story.fall.first["ts"]) - story.fall.since.ts) / HOUR_MS
    if hours == 0.0:
        return "in the bar it was opened in"
    if hours < DAYS_FROM:
        return f"{hours:g} hours after its opening"
    return f"{hours / 24:.1f} days after its opening"


def _sure(story: "Story") -> str:
    if story.fall.first["certainty"] == "certain":
        return "It is certain: every way of that bar leads to it."
    return "It is possible only: some ways of that bar avoid it."


def _end(story: "Story") -> str:
    count, last = story.steps.height, story.fall.last
    how = "One step" if count == 1 else f"{count} steps"
    until = ms(last["ts"])
    span = "" if until == ms(story.fall.first["ts"]) else f" until {when(until)}"
    rest = "closed it" if last["tier_after"] == 0 else "closed a part of it"
    asset = asset_of(story.fall.key[0])
    return f"{how}{span} {rest} and left {money(last['residual'], asset)} {asset}."


def part_name(part: Part) -> str:
    """What moved the ratio."""
    if part.kind == "price":
        moved = 100.0 * (part.after / part.before - 1.0)
        coin = part.symbol.partition("/")[0]
        return f"{coin} {price(part.before)} to {price(part.after)} ({moved:+.1f}%)"
    if part.kind == "funding":
        word = "paid" if part.equity < 0.0 else "received"
        return f"funding {word}, {part.times}×"
    if part.kind == "tier":
        return f"tier {part.before:g} to {part.after:g}"
    names = {
        "rules": "new tiers of the venue",
        "paid in": "money paid in",
        "orders": f"orders ({part.times} fills)",
        "other": "set apart (fee, next funding)",
    }
    return names[part.kind]


def change(story: "Story", one: Remedy) -> str:
    """What would have been different."""
    since = when(story.change_at)[5:]
    if one.kind == "margin":
        return f"more margin since {since}"
    if one.kind == "stop":
        coin = (one.position or story.fall.key)[0].partition("/")[0]
        by = f", by {BY[one.by]}" if one.by else ""
        return f"{coin} stop since {since}{by}"
    if one.kind == "stop_loss":
        return "--policy stop_loss: of the entry price"
    if one.kind == "size":
        return "all orders, of their size"
    if one.kind == "both":
        return _both(story, one)
    return f"--{one.kind} (was {one.was:g})"


def _both(story: "Story", one: Remedy) -> str:
    """A lower leverage with a size as many times smaller."""
    if one.value is None or one.exposure is None:
        return "--leverage and size, both as many times lower"
    if "size" in {other.kind for other in story.remedies}:
        return f"--leverage, and orders of {100 * one.exposure:.3g}% of their size"
    return f"--leverage (was {one.was:g}) with --exposure {one.exposure:g}"


def value(story: "Story", one: Remedy, number: float | None) -> str:
    """A value of a remedy."""
    if number is None:
        return "none"
    if one.kind == "margin":
        return f"{number:+,.0f}" if abs(number) >= THOUSAND else f"{number:+.6g}"
    if one.kind == "stop_loss":
        return f"{number:.4g}"
    if one.kind == "size":
        return f"{100 * number:.3g}%"
    return price(number)


def remedy_lines(story: "Story") -> list[str]:
    """Each remedy as a sentence."""
    asset, end = asset_of(story.fall.key[0]), when(story.horizon_end)
    lines = []
    for one in story.remedies:
        said = change(story, one)
        if one.value is None:
            lines.append(f"{said}: {REASONS[one.reason]}")
            continue
        worth = f"{money(one.worth or 0.0, asset)} {asset}"
        lines.append(f"{said}: {value(story, one, one.value)} saves until {end}, worth {worth}")
    return lines


REASONS = {
    "never": "no value saves",
    "refused": "none saves for which the venue takes the orders",
    "same bar": "it fell inside the bar it was opened in, before any order could come",
}


def position_label(key: Key) -> str:
    """A position as its coin and leg."""
    coin = key[0].partition("/")[0]
    return coin if key[1] == "both" else f"{coin} {key[1]}"
