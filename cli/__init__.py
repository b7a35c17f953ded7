"""The terminal interface: `propintel`. One file for each command or group; `commands.py` lists them."""
