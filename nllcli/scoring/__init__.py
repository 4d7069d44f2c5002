"""What the commands that score logits share."""
