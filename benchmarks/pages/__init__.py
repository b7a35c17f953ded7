"""Measure the web pages in a browser: the time to first paint with thousands of stored jobs and properties."""
