"""Properties, the records of their pages, every value with its evidence, and recipes."""
