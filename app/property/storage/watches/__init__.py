"""Watches of properties, pages, and addresses, and the changes that they find."""
