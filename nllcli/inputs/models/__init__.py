"""Several models of the same samples as one Dataset, whose blocks bring those of all models."""
