"""Storage, measured: what saving, pruning, purging and reading cost with up to ten million observations."""
