"""Turn pages into records and records into properties, and store them."""
