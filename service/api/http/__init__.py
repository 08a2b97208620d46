"""HTTP with Flask: request bodies, responses, errors and instrumentation."""
