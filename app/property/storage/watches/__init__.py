"""Watched addresses and pages, and the changes they brought to light."""
