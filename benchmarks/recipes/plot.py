"""Draw the cumulative model calls over the pages of a redesigned site, as SVG."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.recipes.run import DOWN, Run
from benchmarks.recipes.sites import Site

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 300, 52, 40, 180, 40
_OURS, _EVERY, _FAINT, _INK = "#0b6e4f", "#8a8f98", "#e6e8eb", "#1f2328"


def draw(found: Run, target: Path) -> None:
    """Draw the redesigned site with the most pages of homes for sale."""
    at, site = max(
        ((at, site) for at, site in enumerate(found.sites) if site.redesigned),
        key=lambda pair: sum(page.template in ("sale/1", "sale/2") for page in pair[1].pages),
        default=(0, found.sites[0]),
    )
    ones = [one for one in found.outcomes if one.site == at]
    target.write_text(
        _svg(site, [one.called for one in ones], [one.every_tokens.prompt > 0 for one in ones]), encoding="utf-8"
    )


def _svg(site: Site, ours: Sequence[bool], every: Sequence[bool]) -> str:
    pages = len(ours)
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    most = max(1, sum(every))

    def x(page: float) -> float:
        return round(_LEFT + wide * page / pages, 1)

    def y(calls: float) -> float:
        return round(_TOP + high * (1 - calls / most), 1)

    def line(calls: Sequence[bool], color: str, name: str) -> str:
        sums = [sum(calls[:at]) for at in range(pages + 1)]
        points = " ".join(f"{x(at)},{y(total)}" for at, total in enumerate(sums))
        return (
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>'
            f'<text x="{x(pages) + 8}" y="{y(sums[-1]) + 4}" fill="{color}">{escape(name)}: {sums[-1]}</text>'
        )

    half = pages // 2
    down = (max(0, min(pages, DOWN.start)), max(0, min(pages, DOWN.stop)))
    ticks = "".join(
        f'<text x="{x(at)}" y="{_HEIGHT - 22}" text-anchor="middle">{at}</text>' for at in range(0, pages + 1, 5)
    ) + "".join(f'<text x="{_LEFT - 8}" y="{y(at) + 4}" text-anchor="end">{at}</text>' for at in range(0, most + 1, 10))
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
            f'font-size="12" fill="{_INK}" role="img" aria-label="Model calls over pages of a redesigned site">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            f'<rect x="{x(down[0])}" y="{_TOP}" width="{x(down[1]) - x(down[0])}" height="{high}" fill="{_FAINT}"/>',
            f'<text x="{x(down[0])}" y="{_TOP - 6}" text-anchor="end">model down</text>',
            f'<line x1="{x(half)}" y1="{_TOP}" x2="{x(half)}" y2="{_TOP + high}" stroke="{_INK}" '
            'stroke-dasharray="4 3"/>',
            f'<text x="{x(half) + 4}" y="{_TOP - 6}">redesign</text>',
            f'<path d="M{_LEFT} {_TOP} V{_TOP + high} H{_LEFT + wide}" fill="none" stroke="{_INK}"/>',
            ticks,
            f'<text x="{_LEFT + wide / 2}" y="{_HEIGHT - 6}" text-anchor="middle">pages of {escape(site.host)}</text>',
            f'<text x="{_LEFT - 40}" y="16">model calls, summed up</text>',
            line(every, _EVERY, "every page"),
            line(ours, _OURS, "recipes"),
            "</svg>\n",
        )
    )
