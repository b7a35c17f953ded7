"""What is known of fields and of languages, as data; the modules here only load it."""
