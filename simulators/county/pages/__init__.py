"""How each site writes what it says. A module a site, whose `body` makes the page of a `Page`.

Written as such sites write: with menus, owners, mailing addresses, other homes and advice around the facts.
"""
