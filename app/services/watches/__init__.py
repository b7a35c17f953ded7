"""The daily budget of watches, and the tick that begins their refreshes."""
