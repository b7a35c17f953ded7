"""Store properties, the records of their pages with evidence, identity decisions, and recipes."""
