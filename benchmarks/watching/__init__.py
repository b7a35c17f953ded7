"""Simulate sixty days of watched properties: the workers' real code with a manual clock."""
