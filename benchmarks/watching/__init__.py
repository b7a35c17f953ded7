"""Simulate sixty days of watched properties. The workers' real code runs with a manual clock."""
