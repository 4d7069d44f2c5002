"""What each command does, in which order; one file a command."""
