"""Avro for people who have a file in their hands and Python only: ``bigdata-demos avro --help``.

fastavro does the encoding, :mod:`bigdata_demos.avro.core` bounds what a file can ask for. Here is the rest, in reading order:

- :mod:`.streams`: files and pipes, read forwards once; outputs that are complete, or aren't there;
- :mod:`.depth`: how deep data nest whose schema refers to itself;
- :mod:`.containers`: container files block by block, copied, recompressed, decoded, written;
- :mod:`.schemas`: schemas fingerprinted and inferred (loaded and compared: :mod:`bigdata_demos.avro.schema_rules`);
- :mod:`.single_object`: one datum with its schema's fingerprint before it, and streams of them;
- :mod:`.jsontext`: JSON values one after another;
- :mod:`.values`: data as JSON, by the specification or plainly, and back;
- :mod:`.resolution`: data of one schema made data of another;
- :mod:`.repair`: what is left of a damaged file;
- :mod:`.cli`: the command.
"""
