"""Wire formats, both directions, pure: decode(encode(x)) == x. No socket, no clock."""
