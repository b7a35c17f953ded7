"""How a page becomes a record and records a property, and the database. Knows nothing of keys, tasks or doors."""
