"""Parse text into values, such as numbers, prices, areas, and dates.

Parsers are pure functions. They return None for text without a value, and never raise because of the text.
"""
