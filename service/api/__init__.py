"""HTTP: routes, the schemas of what they take and answer, and the table of errors."""
