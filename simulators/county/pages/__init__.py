"""The pages of the sites: functions that write the HTML of a `Page`, and the JSON of the GIS.

They imitate real sites: menus, owners, mailing addresses, other homes, and advice surround the facts.
"""
