"""Report on keys: record counts, find problems, raise alerts, and give advice."""
