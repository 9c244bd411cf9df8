"""Spark's settings that a cluster with a secret and its drivers share."""

import secrets
import sys
from pathlib import Path

from . import credentials


def write_settings(path: Path, secret: str, events: str = "") -> None:
    """Write a properties file, which only its owner can read; a command line would show the secret to all users.

    ``events``: the address of the directory of event logs, ``""`` for none.

    Clients without the secret are refused (``spark.authenticate``), and network traffic is encrypted (AES in Galois/counter
    mode); see https://spark.apache.org/docs/latest/security.html.
    """
    settings = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.cipher": "AES/GCM/NoPadding",
        "spark.network.crypto.authEngineVersion": "2",
        "spark.network.crypto.saslFallback": "false",  # which would not encrypt
        "spark.ui.killEnabled": "false",  # all users of this machine may read the pages
        "spark.master.ui.decommission.allow.mode": "DENY",
        "spark.master.rest.enabled": "false",
        "spark.worker.cleanup.enabled": "true",
    }
    settings |= (
        {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": events,
            "spark.eventLog.compress": "false",  # readable lines of JSON
            "spark.history.fs.logDirectory": events,
            "spark.history.fs.update.interval": "3s",
            "spark.history.fs.cleaner.enabled": "true",
            "spark.history.fs.cleaner.maxAge": "30d",
        }
        if events
        else {}
    )
    path.unlink(missing_ok=True)
    credentials.write(path, "".join(f"{name} {value}\n" for name, value in settings.items()))


if __name__ == "__main__":  # used by `make spark-classes`: arguments are the file, and the address of the directory of event logs
    write_settings(Path(sys.argv[1]), secrets.token_hex(), sys.argv[2])
