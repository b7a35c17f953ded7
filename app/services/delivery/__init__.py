"""Send webhooks about batches, alerts, and changes, with signatures and retries."""
