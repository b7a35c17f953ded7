"""Properties as `scrape` and `show` print them: JSON, tables, or the contractor's brief of each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from app.property.presenting.brief import WIDTH, brief
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import SourceRow
from app.settings import load_settings
from cli.output import Format, PropertyFormat, show
from cli.property_tables import property_tables

_NARROWEST = 40


def show_properties(
    found: Sequence[Mapping[str, Any]],
    chosen: PropertyFormat | None,
    said: Sequence[Sequence[SourceRow]],
    now: datetime,
    *,
    as_list: bool,
) -> None:
    """Print properties in the shape of `PropertyStore.get`, with what each source of each of them says by itself.

    As JSON they are a list, or without `as_list` the only one.
    """
    if chosen is PropertyFormat.BRIEF:
        width = min(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
        fresh_days = load_settings().jobs.property_fresh_days
        texts = [brief(shown, now, fresh_days, max(_NARROWEST, width)) for shown in found]
        sys.stdout.write(f"\n{'-' * 20}\n\n".join(texts))
        sys.stdout.flush()
        return

    def tables() -> Iterator[Table | Text]:
        for shown, of_sources in zip(found, said, strict=True):
            yield from property_tables(shown, of_sources)

    show(list(found) if as_list else found[0], Format(chosen) if chosen else None, tables)


def said_of(
    properties: PropertyStore, found: Sequence[Mapping[str, Any]], chosen: PropertyFormat | None
) -> list[list[SourceRow]]:
    """What the sources of each property say, for the format that compares them."""
    wanted = chosen is PropertyFormat.TABLE or (chosen is None and sys.stdout.isatty())
    return [properties.sources(shown["property"]) if wanted else [] for shown in found]
