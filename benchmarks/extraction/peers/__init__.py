"""Other tools on the same labeled pages, each in a process of a separate environment (`.venv-bench-extraction`)."""
