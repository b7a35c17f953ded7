"""One contestant a file: `python FILE CELL.json` fetches all pages and prints what it took, a line of JSON.

The line holds `pages` (fetched whole, with their text), `wall_seconds` and `cpu_seconds` (of the process, from the
first request on; start and imports are left out). Each reads the cell from a file and imports nothing from here, since
the peers run in an environment of their own.
"""
