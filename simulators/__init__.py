"""Servers for the demo, tests, and benchmarks: a simulated OpenAI API, a site of invented listings, and a county.

Production code never imports this package, and it shares no code with what it simulates.
"""
