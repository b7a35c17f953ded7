"""Key history by hour, alerts, and usage counters."""
