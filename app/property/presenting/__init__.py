"""How people read a property, in the terminal and on web pages: values in words, the brief, names of sources."""
