"""Read pages with recipes, so that an LLM is asked less often.

A recipe contains extraction rules for pages of one host with the same template. Recipes are learned from pages,
or written by operators.
"""
