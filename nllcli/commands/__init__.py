"""One room a command, with everything that only this command needs."""
