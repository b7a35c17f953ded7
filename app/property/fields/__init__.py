"""Knowledge about fields and languages as data; the modules only load it."""
