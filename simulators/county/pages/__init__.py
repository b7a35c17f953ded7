"""Write the HTML of the sites' pages, and the JSON of the GIS.

The pages imitate real sites: menus, owners, mailing addresses, other homes, and advice surround the facts.
"""
