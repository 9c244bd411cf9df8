"""Avro files in Python: the command ``bigdata-demos avro`` and its modules. fastavro encodes and decodes data.

- :mod:`.kinds`: the types of a schema;
- :mod:`.limits`: limits on untrusted files and schemas, for the job, the command and RPC;
- :mod:`.schemas`: the package's own schemas; loading, writing and fingerprints of others;
- :mod:`.binary`: data without a file header;
- :mod:`.codecs`: compression of blocks;
- :mod:`.streams`: input from files and pipes, and atomic output;
- :mod:`.containers`: reading and writing of container files;
- :mod:`.single_object`: single-object encoding;
- :mod:`.values`: conversion to and from JSON; :mod:`.jsontext`: streams of JSON values;
- :mod:`.infer`: schema inference from JSON records;
- :mod:`.resolution`: schema resolution;
- :mod:`.repair`: repair of damaged files;
- :mod:`.cli`: the command.
"""
