"""From text as it stands on a page to a value: numbers, prices, areas, dates, currencies, vocabularies.

Every function is pure and answers `None` for text that holds no such value; none raises on odd input.
"""
