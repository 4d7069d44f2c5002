"""What one pass over logits and targets tells about whether they are what they are taken for."""
