"""Hadoop itself: HDFS and YARN, from Maven Central's jars, on this machine or elsewhere.

Reading order: :mod:`.jars` gets the jars, :mod:`.classes` lets their JVMs share classes, :mod:`.configuration` has the settings
that all ways of running share, :mod:`.daemons` starts and stops the daemons as local processes, :mod:`.client` runs a MapReduce
Streaming job and says what became of it, :mod:`.connection` finds the Hadoop that is meant.
"""
