"""What became of keys by hour, alerts, and what people did to keys."""
