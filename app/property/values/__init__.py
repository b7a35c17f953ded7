"""Parse text into values: numbers, prices, areas, dates, currencies, vocabularies.

All functions are pure. Parsers return None for text without a value, and never raise for text they cannot parse.
"""
