"""HDFS by HTTP (WebHDFS), as fsspec has it, but for one thing: what a DataNode refuses is an error, and never a file's content.

fsspec hands on the body of a DataNode's answer whatever its status is. https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/
hadoop-hdfs/WebHDFS.html: the NameNode's answer to OPEN redirects to a DataNode, with the parameter ``namenoderpcaddress``.
"""

from typing import Any

from fsspec.implementations.webhdfs import WebHDFS


class CheckedWebHDFS(WebHDFS):  # type: ignore[misc]
    """What ``webhdfs://`` stands for in this package."""

    def _connect(self) -> None:
        super()._connect()
        self.session.hooks["response"].append(refuse)


def refuse(response: Any, *_: object, **__: object) -> None:
    """Raise an error for what a DataNode refuses.

    Raises:
        OSError: with what it says.

    """
    if response.status_code >= 400 and "namenoderpcaddress=" in response.url:
        raise OSError(f"HDFS: a DataNode answers {response.status_code}: {response.text[:200]}")
