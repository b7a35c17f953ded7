"""The terminal door: `propintel`. One file per command; `main.py` puts them together and catches what fails."""
