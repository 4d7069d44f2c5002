"""What one pass over the samples shows: sums from which findings follow."""
