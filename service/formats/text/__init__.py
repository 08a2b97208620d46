"""Text formats: CSV and NDJSON, read in blocks of complete lines."""
