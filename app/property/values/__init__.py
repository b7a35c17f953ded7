"""Parse text into values, such as numbers, prices, areas, and dates.

Parsers are pure functions. Most return None for text without a value, and none raises because of the text.
"""
