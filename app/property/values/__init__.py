"""Parse text into values: numbers, prices, areas, dates, currencies, vocabularies.

Every function is pure, returns `None` for text without such a value, and never raises on odd input.
"""
