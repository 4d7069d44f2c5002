"""Tables: CSV, JSON lines, Parquet."""
