"""Files and directories, local or in HDFS, behind one interface."""
