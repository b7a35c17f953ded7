"""Present a property to people, in the terminal and on web pages: values in words, the brief, and source names."""
