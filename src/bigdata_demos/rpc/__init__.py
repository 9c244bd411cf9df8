"""The keyword index as a service, by Avro's RPC over HTTP (Avro specification, "Protocol Wire Format").

- :mod:`.protocol`: a protocol, from its JSON, and the schemas of its messages; ``keywords.avpr`` is this service's;
- :mod:`.wire`: frames, the handshake, calls and their answers, as bytes;
- :mod:`.index`: an output directory of the job, opened for lookups;
- :mod:`.service`: what each message of ``keywords.avpr`` does;
- :mod:`.server`, :mod:`.client`: both ends of HTTP;
- :mod:`.cli`: the command, ``bigdata-demos rpc --help``.

The ``avro`` package from PyPI also has RPC, but is not used (as of ``ipc.py`` in 1.12.2). It has no server, and no limits on the
size of frames and messages. It writes a declared error as a string, so that clients only see system errors, and drops the
answer to a malformed call. It keeps servers in global variables, by the client's own address; its cache of protocols on the
server only grows, and accepts any hash from a client.
"""
