"""The job as programs for Hadoop Streaming."""
