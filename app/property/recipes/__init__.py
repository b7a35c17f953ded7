"""Read pages with recipes, so that an LLM is asked less often.

A recipe contains extraction rules for the pages of one host that share a template. A recipe is learned from pages or
written by an operator.
"""
