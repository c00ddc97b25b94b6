"""What public bug reports turned up: each a small input or command, and the right outcome."""
