"""What becomes of results: texts, plain data, dumps."""
