"""Measure the scraping of the fictional county (`simulators/county`): merges, values, conflicts, and model calls."""
