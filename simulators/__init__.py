"""Servers for the demo, tests, and benchmarks: an OpenAI API, a site of listings, and the sites of a county.

Production code never imports this package. The package shares no code with what it simulates.
"""
