"""Run other tools on the labeled pages, each in a process of a separate environment (`.venv-bench-extraction`)."""
