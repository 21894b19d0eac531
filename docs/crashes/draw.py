"""Draws the pictures of docs/crashes.md from the real hours: what traded, the marks, the levels.

python docs/crashes/draw.py ../shared/market-data docs/crashes
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 340, 62, 44, 30
COLOURS = ("#9aa3ad", "#1f6feb", "#8250df")
LEVEL_COLOUR = "#cf222e"
TEXT = 'font-family="sans-serif" font-size="12"'


@dataclass(frozen=True)
class Picture:
    """What one picture shows: hours from `since` on, a bar per series in each, levels across."""

    name: str
    title: str
    since: str
    hours: int
    series: tuple[tuple[str, str], ...]
    """Label and path in the store, VENUE/SYMBOL/KIND."""
    levels: tuple[tuple[str, float], ...]


BINANCE = "binanceusdm/{}_USDT_USDT/{}"
PICTURES = (
    Picture(
        "2020-03-12", "BTC, 12 and 13 March 2020", "2020-03-12 06:00", 24,
        (("traded", BINANCE.format("BTC", "trade")), ("mark", BINANCE.format("BTC", "mark"))),
        (("2x in coin", 4923.53), ("2x in dollars", 3695.37)),
    ),
    Picture(
        "2021-05-19", "ETH, 19 May 2021", "2021-05-19 04:00", 16,
        (("traded", BINANCE.format("ETH", "trade")), ("mark", BINANCE.format("ETH", "mark"))),
        (("2x", 1699.96),),
    ),
    Picture(
        "2025-10-10", "SOL, 10 October 2025", "2025-10-10 17:00", 8,
        (
            ("traded on Binance", BINANCE.format("SOL", "trade")),
            ("mark of Binance", BINANCE.format("SOL", "mark")),
            ("mark of Bybit", "bybit/SOL_USDT_USDT/mark"),
        ),
        (("3.6x on Binance", 149.018),),
    ),
)  # fmt: skip


def draw(picture: Picture, data: Path) -> str:
    """The picture as SVG."""
    ranges = [hours(data / path, picture) for _, path in picture.series]
    every = [price for frame in ranges for price in (*frame["low"], *frame["high"])]
    every += [level for _, level in picture.levels]
    top, bottom = max(every), min(every) * 0.98
    scale = (HEIGHT - TOP - BOTTOM) / (top - bottom)
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{picture.title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_legend(picture),
        *_hour_labels(picture),
    ]
    for n, frame in enumerate(ranges):
        shapes += _bars(frame, n, picture, top, scale)
    for label, level in picture.levels:
        shapes += _line(label, level, TOP + (top - level) * scale)
    return "\n".join([*shapes, "</svg>", ""])


def hours(folder: Path, picture: Picture) -> pl.DataFrame:
    """The hourly bars that a picture shows of one series."""
    start = datetime.fromisoformat(picture.since).replace(tzinfo=UTC)
    whole = pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("1h*.parquet"))])
    return whole.filter(pl.col("ts") >= start).sort("ts").head(picture.hours)


def _step(picture: Picture) -> float:
    return (WIDTH - LEFT - 10) / picture.hours


def _bars(
    frame: pl.DataFrame, n: int, picture: Picture, top: float, scale: float
) -> list[str]:  # fmt: skip
    """Low to high of each hour, the nth of the bars that stand side by side."""
    step = _step(picture)
    width = step * 0.8 / len(picture.series)
    return [
        f'<rect x="{LEFT + i * step + step * 0.1 + n * width:.1f}" '
        f'y="{TOP + (top - high) * scale:.1f}" width="{width - 1:.1f}" '
        f'height="{(high - low) * scale:.1f}" fill="{COLOURS[n]}"/>'
        for i, (low, high) in enumerate(zip(frame["low"], frame["high"], strict=True))
    ]


def _line(label: str, level: float, y: float) -> list[str]:
    return [
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" '
        f'stroke="{LEVEL_COLOUR}" stroke-dasharray="6 4"/>',
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {TEXT} '
        f'fill="{LEVEL_COLOUR}">{level:,g}</text>',
        f'<text x="{LEFT + 4}" y="{y - 5:.1f}" {TEXT} fill="{LEVEL_COLOUR}">{label}</text>',
    ]


def _legend(picture: Picture) -> list[str]:
    shapes = [f'<text x="{LEFT}" y="24" {TEXT} font-weight="bold">{picture.title}</text>']
    for n, (label, _) in enumerate(picture.series):
        x = LEFT + 230 + n * 150
        shapes.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{COLOURS[n]}"/>')
        shapes.append(f'<text x="{x + 18}" y="24" {TEXT}>{label}</text>')
    return shapes


def _hour_labels(picture: Picture) -> list[str]:
    first, step = int(picture.since[11:13]), _step(picture)
    return [
        f'<text x="{LEFT + (i + 0.5) * step:.1f}" y="{HEIGHT - 10}" text-anchor="middle" '
        f"{TEXT}>{(first + i) % 24:02d}</text>"
        for i in range(picture.hours)
    ]


def main(data: str, out: str) -> None:
    """Write every picture."""
    for picture in PICTURES:
        (Path(out) / f"{picture.name}.svg").write_text(draw(picture, Path(data)), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
