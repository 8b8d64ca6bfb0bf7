"""The journey of one request, top to bottom."""
