"""What ``docs/deployment.md`` tells to do: ``spark-submit`` with a packed environment; manifests that Kubernetes accepts."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from sysconfig import get_path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from distributed import Security

from bigdata_demos.cluster import credentials, spark_classes
from bigdata_demos.cluster.standalone import free_port, processes, spark_cluster
from bigdata_demos.keywords import run
from tests.support.paths import ROOT
from tests.support.requirements import require
from tests.support.submitted import check_output, pack_environment, spark_submit

MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def test_spark_submit(tmp_path: Path) -> None:
    """The executors run the Python of the archive, and the result is that of one thread."""
    require("spark")
    archive = pack_environment(tmp_path / "packed", os.path.realpath(sys.executable), get_path("purelib"))
    java = spark_classes.java_options(spark_classes.directory())
    options = {"spark.driver.host": "127.0.0.1", "spark.executor.extraJavaOptions": java}
    crawl = str(ROOT / "data" / "site.warc.gz")
    with spark_cluster(2) as cluster:
        given = (
            str(tmp_path / "packed" / "bin" / "python"),
            cluster.url,
            credentials.find(cluster.url),
            archive,
            tmp_path,
            options,
            crawl,
            "--output",
        )
        done = spark_submit(*given, "out")
        refused = spark_submit(*given, "other", "--engine-option", "memory=2g")
    check_output(done, tmp_path / "out")
    said = refused.stdout + refused.stderr  # spark-submit merges them
    assert "error: --engine-option memory: leave it out, and use the options of spark-submit" in said
    assert refused.returncode == 2


def documents() -> list[dict[str, Any]]:
    """Return the objects of all manifests."""
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the specification of the pods that an object makes, empty if it makes none."""
    pod: dict[str, Any] = document["spec"].get("template", {}).get("spec", {}) if "spec" in document else {}
    return pod


def test_kubernetes_accepts_the_manifests() -> None:
    """Each object fits Kubernetes' own schema, in which nothing else is allowed; the check finds a wrong field."""
    assert len(documents()) >= 7
    for document in documents():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    wrong = {**documents()[0], "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_manifests_fit_together() -> None:
    """What an object names is there: volumes, configuration, labels and ports; and no container runs as root."""
    names = {(document["kind"], document["metadata"]["name"]) for document in documents()}
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in documents() if pod_of(document)]
    for document in documents():
        if document["kind"] == "Service":
            assert any(document["spec"]["selector"].items() <= pod.items() for pod in labels)
        if document["kind"] == "Deployment":
            assert (
                document["spec"]["selector"]["matchLabels"].items() <= document["spec"]["template"]["metadata"]["labels"].items()
            )
        if not (pod := pod_of(document)):
            continue
        assert pod["securityContext"]["runAsNonRoot"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {
            ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        } <= names
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
            assert {("ConfigMap", source["configMapRef"]["name"]) for source in container["envFrom"]} <= names
            assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_commands_of_the_manifests(tmp_path: Path) -> None:
    """The containers' commands, with their configuration, run the job here as processes: scheduler, workers and driver."""
    require("dask")
    generated = Security.temporary()
    certificate = tmp_path / "tls.pem"
    certificate.write_text(generated.tls_scheduler_cert + generated.tls_scheduler_key)
    (tmp_path / "crawl").mkdir()
    shutil.copy(ROOT / "data" / "site.warc.gz", tmp_path / "crawl" / "input")
    port = free_port()
    here = {
        "tls://dask-scheduler:8786": f"tls://127.0.0.1:{port}", "8786": str(port), "/scratch": str(tmp_path),
        "/crawl/input": str(tmp_path / "crawl" / "input"), "/crawl/keywords": str(tmp_path / "crawl" / "keywords"),
    }  # fmt: skip
    (configuration,) = (document["data"] for document in documents() if document["kind"] == "ConfigMap")
    environment = {
        **os.environ,
        **{name: value.replace("/run/dask-tls/tls.pem", str(certificate)) for name, value in configuration.items()},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    commands = {
        document["metadata"]["name"]: pod_of(document)["containers"][0]["command"] for document in documents() if pod_of(document)
    }
    lines = {name: [here.get(word, word) for word in command] for name, command in commands.items()}
    with processes() as (start, logs):
        start("scheduler", [*lines["dask-scheduler"], "--host", "127.0.0.1"], environment)
        for number in range(2):
            start(f"worker-{number}", [*lines["dask-worker"], "--host", "127.0.0.1"], environment)
        for _ in range(300):
            if "Registered to" in (logs / "worker-0.log").read_text() and "Registered to" in (logs / "worker-1.log").read_text():
                break
            time.sleep(0.1)
        done = subprocess.run(lines["keywords"], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "crawl" / "keywords" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["engine"], manifest["digest"]) == ("dask", run([], engine="serial").digest)
