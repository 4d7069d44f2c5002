"""One worked sample in words: steps and tables for people, a record for programs."""
