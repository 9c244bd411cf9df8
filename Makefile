# The two commands of the README: `make demo` and `make test`. Both set up what they need in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test setup docs chaos site lint clean crawl hadoop-jars hadoop-classes spark-classes cluster-up cluster-down cluster-status cluster-logs

demo: setup
	$(BIN)/python -m bigdata_demos.demo

test: setup lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml hatch_build.py src/bigdata_demos/keywords/analysis/kernels/kernel.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $$($(PYTHON) --version) is too old: install Python 3.11 or newer, then: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
	  { echo "error: this Python makes no virtual environments: install its venv package (Debian: apt-get install python3-venv)"; exit 1; }
	@echo 'setting up .venv: two or three minutes'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group test
	$(BIN)/python -m bigdata_demos.cluster prepare
	@touch $@

docs: setup
	$(BIN)/python -m tests.test_docs
	$(BIN)/python -m tests.test_tour

# The documentation as a web site, in out/site
site: setup
	$(BIN)/mkdocs build --quiet

# Faults of real runs: what happens on each engine, and the seconds that it costs (docs/reliability.md)
chaos: setup
	$(BIN)/python docs/measure_faults.py --seconds

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

# The compose cluster (docs/cluster.md)
cluster-up cluster-down cluster-status cluster-logs: cluster-%: setup
	@$(BIN)/python -m bigdata_demos.cluster $*

# data/site.warc.gz, from data/site
crawl: setup
	$(BIN)/python data/make_warc.py

# The list of Hadoop's jars, with checksums, of its pom.xml (needs Maven)
HADOOP := src/bigdata_demos/cluster/hadoop
hadoop-jars: setup
	mvn --batch-mode --quiet --file $(HADOOP)/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
	  -DoutputDirectory=$(CURDIR)/out/hadoop-jars -Dmaven.repo.local=$(CURDIR)/out/maven
	$(BIN)/python -m bigdata_demos.cluster.hadoop.jars list out/maven out/hadoop-jars
	rm -rf out/maven out/hadoop-jars

# The list of the classes that Hadoop's programs load, which its JVMs share (docs/hadoop.md)
hadoop-classes: setup
	rm -rf out/classes && mkdir -p out/classes
	BIGDATA_DEMOS_HADOOP_JVM='-XX:DumpLoadedClassList=$(CURDIR)/out/classes/%p.txt' $(BIN)/python -m bigdata_demos.keywords --engine hadoop \
	  --output out/classes/output >/dev/null
	$(BIN)/python -m bigdata_demos.cluster.hadoop.classes list out/classes/*.txt
	rm -rf out/classes

# The list of the classes that Spark's programs load: here, and on a cluster with the settings of the compose cluster (docs/cluster.md)
spark-classes: export JDK_JAVA_OPTIONS = -XX:DumpLoadedClassList=$(CURDIR)/out/classes/%p.txt
spark-classes: setup
	rm -rf out/classes && mkdir -p out/classes/conf out/classes/events
	$(BIN)/python -m bigdata_demos.keywords --engine spark --output out/classes/local >/dev/null
	$(BIN)/python -m bigdata_demos.cluster.settings out/classes/conf/spark-defaults.conf file://$(CURDIR)/out/classes/events
	export SPARK_CONF_DIR=$(CURDIR)/out/classes/conf; \
	  $(BIN)/python -m bigdata_demos.cluster spark >out/classes/address & \
	  until grep -q spark: out/classes/address; do sleep 1; done; \
	  $(BIN)/python -m bigdata_demos.keywords --engine spark --cluster "$$(cat out/classes/address)" --engine-option ui=0 \
	    --output out/classes/cluster >/dev/null; \
	  kill $$!; wait
	$(BIN)/python -m bigdata_demos.cluster.spark_classes list out/classes/*.txt
	rm -rf out/classes

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
