"""Files and compression: where bytes come from."""
