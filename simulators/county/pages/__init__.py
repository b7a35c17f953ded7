"""Write the HTML of the sites' pages, and the JSON of the GIS.

As on real sites, menus, mailing addresses, other homes, and advice surround the facts.
"""
