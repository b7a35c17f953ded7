"""Exports, measured: how long each format takes, and that ten times the properties take no more memory."""
