"""Spark's settings that the compose cluster and its drivers share."""

import os
from pathlib import Path


def write_settings(directory: Path, secret: str, events: str) -> None:
    """Write ``spark-defaults.conf``, readable by its owner only: on a command line everybody could read the secret.

    Whoever does not know the secret is turned away (``spark.authenticate``), and what goes over the network is encrypted (AES in
    Galois/counter mode); see https://spark.apache.org/docs/latest/security.html.
    """
    settings = {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.cipher": "AES/GCM/NoPadding",
        "spark.network.crypto.authEngineVersion": "2",
        "spark.network.crypto.saslFallback": "false",  # which would not encrypt
        "spark.ui.killEnabled": "false",  # the pages are for everybody on this machine to read
        "spark.master.ui.decommission.allow.mode": "DENY",
        "spark.master.rest.enabled": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events,
        "spark.eventLog.compress": "false",  # lines of JSON, for whoever wants to read them
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
