"""The contestants, one per file: `python FILE CELL.json` fetches all pages and prints a line of JSON.

The line has `pages` (the number of pages fetched with their text), `wall_seconds`, and `cpu_seconds` of the process,
both counted from the first request on. The files do not import each other or this package, because the peers run in a
separate environment.
"""
