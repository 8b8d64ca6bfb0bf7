"""What clients speak to: authenticate, decode, call the gateway, encode. No policy."""
