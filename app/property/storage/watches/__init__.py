"""Store watches of properties, pages, searches, and addresses, and the changes detected on property pages."""
