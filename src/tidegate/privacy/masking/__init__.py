"""Pseudonyms in the place of what was found, and back again. Pure."""
