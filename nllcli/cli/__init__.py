"""The command line: flags, exit codes, and one thin file a command."""
