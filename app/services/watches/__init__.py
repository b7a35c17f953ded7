"""The daily budget that all watches share, and the scheduled task ("tick") that begins due refreshes."""
