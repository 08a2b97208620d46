"""Text formats: CSV and NDJSON."""
