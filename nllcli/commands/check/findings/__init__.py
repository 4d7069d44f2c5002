"""What can be wrong with predictions: one small function a finding, each over the evidence of one pass."""
