"""fsspec's WebHDFS file system, with the difference that an error of a DataNode is an exception.

fsspec returns the body of a DataNode's answer as the file's content, whatever the status is. https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/
hadoop-hdfs/WebHDFS.html: the NameNode's answer to OPEN redirects to a DataNode, with the parameter ``namenoderpcaddress``.
"""

from typing import Any

from fsspec.implementations.webhdfs import WebHDFS


class CheckedWebHDFS(WebHDFS):  # type: ignore[misc]
    """The file system of ``webhdfs://`` in this package."""

    def _connect(self) -> None:
        super()._connect()
        self.session.hooks["response"].append(refuse)


def refuse(response: Any, *_: object, **__: object) -> None:
    """Raise an error if a DataNode refuses a request. Raises OSError with its message."""
    if response.status_code >= 400 and "namenoderpcaddress=" in response.url:
        raise OSError(f"HDFS: a DataNode answers {response.status_code}: {response.text[:200]}")
