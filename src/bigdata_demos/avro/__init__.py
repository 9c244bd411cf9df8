"""Avro as a tool: values as JSON, schemas compared, files looked into and repaired."""
