"""`python -m benchmarks.extraction.peers.worker TOOL`: runs in the peers' environment and imports no project code.

The first output line is the tool's version. Then the worker answers each input line (JSON `{"path", "url", "json"}`)
with a line: `{"text"}` from a text tool or `{"items"}` from a markup reader, with `cpu_ms` of this process, or
`{"error"}` if the tool fails. A body that is not HTML passes unchanged as text. The first page is read twice and
measured the second time, because tools load on first use.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Tool = Callable[[str, str], dict[str, Any]]


def extruct() -> Tool:
    import extruct  # noqa: PLC0415

    syntaxes = ["json-ld", "microdata", "opengraph", "rdfa"]
    return lambda html, url: {"items": extruct.extract(html, base_url=url, syntaxes=syntaxes, errors="ignore")}


def trafilatura() -> Tool:
    """Return trafilatura with its settings for recall, as its documentation advises. Tables and metadata are kept."""
    import trafilatura  # noqa: PLC0415

    def text(html: str, url: str) -> dict[str, Any]:
        found = trafilatura.extract(html, url=url, favor_recall=True, include_tables=True, with_metadata=True)
        return {"text": found or ""}

    return text


def html2text() -> Tool:
    import html2text  # noqa: PLC0415

    def text(html: str, url: str) -> dict[str, Any]:
        maker = html2text.HTML2Text(baseurl=url, bodywidth=0)
        maker.ignore_links = maker.ignore_images = True
        return {"text": maker.handle(html)}

    return text


def _crawl4ai(*, pruned: bool) -> Tool:
    """Return crawl4ai's Markdown generator without links. `pruned` adds crawl4ai's content filter."""
    from crawl4ai.content_filter_strategy import PruningContentFilterLXML  # noqa: PLC0415
    from crawl4ai.content_scraping_strategy import LXMLWebScrapingStrategy  # noqa: PLC0415
    from crawl4ai.markdown_generation_strategy import DefaultMarkdownGenerator  # noqa: PLC0415

    content_filter = PruningContentFilterLXML() if pruned else None
    maker = DefaultMarkdownGenerator(
        content_filter=content_filter, options={"ignore_links": True, "ignore_images": True}
    )
    scraper = LXMLWebScrapingStrategy()

    def text(html: str, url: str) -> dict[str, Any]:
        cleaned = scraper.scrap(url, html).cleaned_html
        made = maker.generate_markdown(cleaned, base_url=url, citations=False)
        return {"text": (made.fit_markdown if pruned else made.raw_markdown) or ""}

    return text


TOOLS: dict[str, Callable[[], Tool]] = {
    "extruct": extruct,
    "trafilatura": trafilatura,
    "html2text": html2text,
    "crawl4ai": lambda: _crawl4ai(pruned=False),
    "crawl4ai_pruned": lambda: _crawl4ai(pruned=True),
    "nothing": lambda: lambda html, _url: {"text": html},
}


def main(name: str) -> int:
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, sys.stderr  # tools print to stdout
    tool = TOOLS[name]()
    package = name.partition("_")[0]
    out.write(json.dumps({"version": version(package) if package != "nothing" else ""}) + "\n")
    warm = False
    for line in sys.stdin:
        page = json.loads(line)
        html = Path(page["path"]).read_text("utf-8")
        found = {"text": html} if page["json"] else {}
        if not page["json"]:
            if not warm:
                _measured(tool, html, page["url"])
                warm = True
            found = _measured(tool, html, page["url"])
        out.write(json.dumps(found, default=str) + "\n")
        out.flush()
    return 0


def _measured(tool: Tool, html: str, url: str) -> dict[str, Any]:
    started = time.process_time()
    try:
        found = tool(html, url)
    except Exception as exc:  # noqa: BLE001 (any error is the tool's result for the page)
        found = {"error": f"{type(exc).__name__}: {exc}"[:200]}
    return {**found, "cpu_ms": 1000 * (time.process_time() - started)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
