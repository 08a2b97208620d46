"""Training: from rows and options to a published version."""
