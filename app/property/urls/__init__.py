"""Normalize URLs and addresses, remove tracking parameters, and determine which page a URL leads to."""
