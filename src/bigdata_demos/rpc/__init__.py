"""The keyword index as a service, by Avro's RPC over HTTP (Avro specification, "Protocol Wire Format").

- :mod:`.protocol`: a protocol, from its JSON, and the schemas of its messages; ``keywords.avpr`` is this service's;
- :mod:`.wire`: frames, the handshake, calls and their answers, as bytes;
- :mod:`.index`: an output directory of the job, opened for lookups;
- :mod:`.service`: what each message of ``keywords.avpr`` does;
- :mod:`.server`, :mod:`.client`: both ends of HTTP;
- :mod:`.cli`: the command, ``bigdata-demos rpc --help``.

The ``avro`` package from PyPI has RPC, too, and is not used (``ipc.py`` of 1.12.2, read line by line). It has no server. Its
frames and messages have no bound. A declared error is written as a string, so that no error but a system error gets through,
and an answer to a malformed call is written to a buffer that is thrown away. Servers are remembered in global variables, by the
client's own address; a server's cache of protocols only grows, and lets a client give any hash to its protocol.
"""
