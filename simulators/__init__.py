"""Servers for the demo, tests, and benchmarks: a simulated OpenAI API, a site of fictional listings, and a county.

Production code never imports this package. The package shares no code with what it simulates.
"""
