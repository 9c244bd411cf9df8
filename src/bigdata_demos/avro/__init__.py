"""Avro for people who have a file in their hands and Python only: ``bigdata-demos avro --help``.

fastavro encodes and decodes data; what is here, in reading order:

- :mod:`.kinds`: the parts of a schema;
- :mod:`.limits`: what a file or a schema may ask for at most, for the job, the command and RPC alike;
- :mod:`.schemas`: the package's own schemas; others loaded, written, fingerprinted;
- :mod:`.binary`: data without the header of a file;
- :mod:`.codecs`: the compression of blocks;
- :mod:`.streams`: files and pipes, read forwards once; outputs that are complete, or aren't there;
- :mod:`.containers`: container files, read and written;
- :mod:`.single_object`: one datum with its schema's fingerprint before it, and streams of them;
- :mod:`.values`: data as JSON, by the specification or plainly, and back; :mod:`.jsontext`: JSON values one after another;
- :mod:`.infer`: the schema that JSON records have in common;
- :mod:`.resolution`: data of one schema read as data of another;
- :mod:`.repair`: what is left of a damaged file;
- :mod:`.cli`: the command.
"""
