#!/usr/bin/env python3
"""Draws the roofline of a run (Williams, Waterman & Patterson 2009) as SVG.

    burin bench MODEL --json > run.json
    bench/roofline.py run.json > roofline.svg

Every kind and shape of step is a point: how many multiply-adds it does per byte of memory it moves, and how many per second
it reached. No point can lie above the roofs: the read limit on the left, the multipliers of each number type on the right.
All figures are of the one run that the file is of; needs nothing but Python.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 560
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 50, 60
COLOURS = {"prefill": "#1f5fa8", "decode": "#b3541e"}


class Failure(Exception):
    """What is wrong with the input, in one line."""


@dataclass
class Point:
    """A step: multiply-adds per byte, 1e9 of them per second."""

    phase: str
    name: str
    intensity: float
    speed: float
    share_of_limit: float


@dataclass
class Axis:
    """A logarithmic scale from low to high over pixels from first to last."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return self.first + share * (self.last - self.first)

    def decades(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        return [10.0**exponent for exponent in range(first, last + 1)]


def read_run(path: str) -> dict:
    try:
        with open(path, encoding="utf-8") if path != "-" else sys.stdin as file:
            run = json.load(file)
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Failure(f"{path}: is no JSON: give what `burin bench --json` printed") from error
    if not isinstance(run, dict) or "steps" not in run or "limits" not in run:
        raise Failure(f"{path}: has no `steps` and `limits`: give what `burin bench --json` printed")
    return run


def points_of(run: dict) -> list[Point]:
    """Steps that multiply; the others only move bytes and have no place in the drawing."""
    return [
        Point(
            phase,
            step["step"],
            step["macs"] / step["bytes"],
            step["macs"] / step["seconds"] / 1e9,
            step["share_of_limit"],
        )
        for phase, steps in run["steps"].items()
        for step in steps
        if step["macs"] > 0 and step["bytes"] > 0
    ]


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def draw_grid(x: Axis, y: Axis) -> list[str]:
    faint = 'stroke="#e2e2e2"'
    parts = []
    for value in x.decades():
        parts.append(line(x.at(value), y.first, x.at(value), y.last, faint))
        parts.append(text(x.at(value), y.first + 18, f"{value:g}", 'text-anchor="middle"'))
    for value in y.decades():
        parts.append(line(x.first, y.at(value), x.last, y.at(value), faint))
        parts.append(text(x.first - 8, y.at(value) + 4, f"{value:g}", 'text-anchor="end"'))
    middle = (x.first + x.last) / 2
    parts.append(text(middle, HEIGHT - 14, "multiply-adds per byte moved", 'text-anchor="middle"'))
    parts.append(text(x.first - 55, y.last - 10, "1e9 multiply-adds per second"))
    return parts


def draw_roofs(limits: dict, x: Axis, y: Axis) -> list[str]:
    """The slope of the read limit up to the highest roof, and the roof of each number type from the slope on."""
    dark = 'stroke="#333" stroke-width="2"'
    read = limits["read_gb_s"]
    highest = max(limits[f"{kind}_gmac_s"] for kind in ("int8", "bf16", "f32"))
    parts = [line(x.first, y.at(read * x.low), x.at(highest / read), y.at(highest), dark)]
    for kind in ("int8", "bf16", "f32"):
        roof = limits[f"{kind}_gmac_s"]
        if roof <= 0:
            continue
        parts.append(line(x.at(roof / read), y.at(roof), x.last, y.at(roof), dark))
        parts.append(text(x.last - 4, y.at(roof) - 6, f"{kind}: {roof:.0f}", 'text-anchor="end"'))
    corner = x.at(x.low * 2)
    parts.append(text(corner + 8, y.at(read * x.low * 2) + 14, f"read limit: {read:.1f} GB/s"))
    return parts


def draw_points(points: list[Point], x: Axis, y: Axis) -> list[str]:
    """Numbered, with their names beside the drawing."""
    parts = []
    for number, point in enumerate(points, start=1):
        colour = COLOURS[point.phase]
        at_x, at_y = x.at(point.intensity), y.at(point.speed)
        parts.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="5" fill="{colour}"/>')
        parts.append(text(at_x + 7, at_y + 4, str(number), f'fill="{colour}"'))
        row = TOP + 20 * number
        label = f"{number}  {point.name}: {100 * point.share_of_limit:.0f} %"
        parts.append(text(WIDTH - RIGHT + 16, row, label, f'fill="{colour}"'))
    return parts


def draw(run: dict) -> str:
    limits = run["limits"]
    points = points_of(run)
    if not points:
        raise Failure("the run has no step that multiplies: measure a prefill or decoding")
    highest = max(limits["int8_gmac_s"], limits["f32_gmac_s"])
    lowest = min(point.speed for point in points)
    x = Axis(
        min(min(point.intensity for point in points) / 2, 0.5),
        max(max(point.intensity for point in points) * 2, 2 * highest / limits["read_gb_s"]),
        LEFT,
        WIDTH - RIGHT,
    )
    y = Axis(min(lowest, limits["read_gb_s"] * x.low) / 2, highest * 2, HEIGHT - BOTTOM, TOP)
    title = f"{run['model']} for {run['target']}, {run['threads']} threads: steps and their share of the limit"
    height = max(HEIGHT, TOP + 20 * (len(points) + 2))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        text(LEFT - 55, 22, title, 'font-size="15"'),
        *draw_grid(x, y),
        *draw_roofs(limits, x, y),
        *draw_points(points, x, y),
        text(WIDTH - RIGHT + 16, TOP, "prefill", f'fill="{COLOURS["prefill"]}" font-weight="bold"'),
        text(WIDTH - RIGHT + 76, TOP, "decode", f'fill="{COLOURS["decode"]}" font-weight="bold"'),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="FILE", help="what `burin bench --json` printed; - for standard input")
    try:
        sys.stdout.write(draw(read_run(parser.parse_args().run)))
    except Failure as failure:
        print(f"roofline.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
