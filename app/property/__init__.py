"""Turn pages into records and records into properties, and store them. Uses no API keys, tasks, or interfaces."""
