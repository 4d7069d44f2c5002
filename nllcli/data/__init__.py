"""What the rooms hand to each other: frozen, plain, and free of numpy at import time."""
