"""Media types to arrays and back. One file a format; `arrays` holds what they share."""
