"""The pages of each site. One module per site, whose `body` writes the HTML of a `Page`.

They imitate real sites: menus, owners, mailing addresses, other homes, and advice surround the facts.
"""
