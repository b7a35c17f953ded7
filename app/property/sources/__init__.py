"""Where the pages about an address are: the operator's templates, and which of what they lead to is of that address."""
