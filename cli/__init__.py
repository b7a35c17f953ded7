"""The terminal interface, `propintel`. `commands.py` lists the commands with their files."""
