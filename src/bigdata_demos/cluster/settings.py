"""Spark's settings that the compose cluster and its drivers share."""

import os
from pathlib import Path


def write_settings(directory: Path, secret: str, events: str) -> None:
    """Write ``spark-defaults.conf``, which only its owner can read; a command line would show the secret to all users.

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
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events,
        "spark.eventLog.compress": "false",  # readable lines of JSON
        "spark.history.fs.logDirectory": events,
        "spark.history.fs.update.interval": "3s",
        "spark.history.fs.cleaner.enabled": "true",
        "spark.history.fs.cleaner.maxAge": "30d",
        "spark.worker.cleanup.enabled": "true",
    }
    path = directory / "spark-defaults.conf"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name} {value}\n" for name, value in settings.items())
