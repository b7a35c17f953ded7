"""Properties, their pages' records, identity decisions, and recipes."""
