"""Webhooks: signed, retried, and sent for batches, alerts, and changes."""
