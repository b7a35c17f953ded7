"""Small things that several pages need."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Any


def us_date(day: date | None) -> str:
    """`06/18/2019`; empty for None."""
    return day.strftime("%m/%d/%Y") if day else ""


def dollars(amount: float | None) -> str:
    """`$318,000`; with cents where there are any."""
    if amount is None:
        return ""
    return f"${amount:,.2f}" if amount != int(amount) else f"${int(amount):,}"


def number(value: Any) -> str:
    """`1,496`, `0.6`"""
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def area(value: Any, unit: Any, *, feet: str = "sq ft", acres: str = "acres") -> str:
    """`1,496 sq ft`"""
    return f"{number(value)} {feet if unit == 'Square Feet' else acres}"


def row(cells: Iterable[Any], tag: str = "td") -> str:
    """One row of a table, its texts escaped."""
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"


def table(heading: Iterable[str], rows: Iterable[Iterable[Any]], attributes: str = "") -> str:
    """A table with a head and its rows."""
    body = "\n".join(row(cells) for cells in rows)
    return f"<table{attributes}><thead>{row(heading, 'th')}</thead><tbody>\n{body}\n</tbody></table>"


def pairs(found: Iterable[tuple[str, Any]]) -> str:
    """Rows of a label and its value; those without a value are left out, as they are on a record card."""
    return "\n".join(row((label, value)) for label, value in found if value not in (None, ""))


def document(title: str, head: str, body: str) -> str:
    """The whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n{head}</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
