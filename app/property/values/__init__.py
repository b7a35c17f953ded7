"""Parse text into values, such as numbers, prices, areas, and dates.

Parsers are pure functions, most of which return None for text without a value.
"""
