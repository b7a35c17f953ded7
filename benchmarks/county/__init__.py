"""Measure the scraping of the fictional county (`simulators/county`): merges, values, conflicts, false values, model
calls."""
