"""The HTTP side: routes, schemas, problems. The only package that knows a status code."""
