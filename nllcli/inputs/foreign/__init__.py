"""Files that other programs read: what they are, what they are known to hold, and the command that converts them."""
