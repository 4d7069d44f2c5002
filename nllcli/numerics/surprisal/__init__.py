"""-log p of a block, whatever the file holds."""
