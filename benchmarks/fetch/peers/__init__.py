"""One contestant in each file: `python FILE CELL.json` fetches all pages and prints a line of JSON.

The line has `pages` (fetched whole, with their text), `wall_seconds`, and `cpu_seconds` (of the process, from the first
request on, without start and imports). Each file reads the cell from a file and imports nothing from here, since the
peers run in a separate environment.
"""
