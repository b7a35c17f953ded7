"""The daily budget of watches, and the scheduled task ("tick") that begins their refreshes."""
