"""Bytes become data: one file a format."""
