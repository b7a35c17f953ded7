"""Turn pages into records and records into properties, and store them. Independent of keys, tasks, and interfaces."""
