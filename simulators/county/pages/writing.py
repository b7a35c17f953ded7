"""HTML and formatting helpers that several pages share."""

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Any


def us_date(day: date | None) -> str:
    """Format a date as `06/18/2019`, and None as ""."""
    return day.strftime("%m/%d/%Y") if day else ""


def dollars(amount: float | None) -> str:
    """Format an amount as `$318,000`, with cents only if there are any."""
    if amount is None:
        return ""
    return f"${amount:,.2f}" if amount != int(amount) else f"${int(amount):,}"


def number(value: Any) -> str:
    """Format a number as `1,496` or `0.6`."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def area(value: Any, unit: Any, *, feet: str = "sq ft", acres: str = "acres") -> str:
    """Format an area as `1,496 sq ft` or `0.6 acres`. `feet` and `acres` are the words for the two units."""
    return f"{number(value)} {feet if unit == 'Square Feet' else acres}"


def row(cells: Iterable[Any], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def table(heading: Iterable[str], rows: Iterable[Iterable[Any]], attributes: str = "") -> str:
    body = "\n".join(row(cells) for cells in rows)
    return f"<table{attributes}><thead>{row(heading, 'th')}</thead><tbody>\n{body}\n</tbody></table>"


def pairs(found: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(row((label, value)) for label, value in found if value not in (None, ""))


def document(title: str, head: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n{head}</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
