"""Local directories and HDFS, opened alike."""
