"""Decides which records are one property, and says why. Pure: no database, no clock."""
