"""Servers for the demo, the tests and the benchmarks: an OpenAI simulator and a site of invented property pages.

Production code never imports this package, and it shares no code and no arithmetic with what it stands in for.
"""
