"""Scrapes targets: fetches pages and sources, reads them, asks the model, and stores the results."""
