"""Avro container files, for the job, RPC, and the command ``bigdata-demos avro``.

fastavro encodes and decodes data. The modules, in reading order:

- :mod:`.kinds`: the parts of a schema;
- :mod:`.limits`: bounds on files and schemas, for the job, the command and RPC alike;
- :mod:`.schemas`: the package's own schemas; loading, writing and fingerprints of others;
- :mod:`.binary`: data without the header of a file;
- :mod:`.codecs`: the compression of blocks;
- :mod:`.streams`: files and pipes, read forwards once; atomic outputs;
- :mod:`.containers`: reads and writes container files;
- :mod:`.single_object`: data with the fingerprint of their schema, and streams of them;
- :mod:`.values`: data as JSON and back, by the specification or as plain JSON; :mod:`.jsontext`: streams of JSON values;
- :mod:`.infer`: infers a schema from JSON records;
- :mod:`.resolution`: schema resolution;
- :mod:`.repair`: recovers the records of a damaged file;
- :mod:`.cli`: the command.
"""
