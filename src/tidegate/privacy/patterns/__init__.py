"""What a text is looked through for by patterns and check digits: the first tier. Pure."""
