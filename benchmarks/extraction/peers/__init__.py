"""Other tools on the same labelled pages, each in a process of an environment of its own (`.venv-bench-extraction`)."""
