# The README's two commands are `make demo` and `make test`; `make check` is what CI runs.
# A machine needs git, make and python3 (with venv). Everything else is installed below this folder.

VENV     := .venv
PY       := $(VENV)/bin/python
# uv: the one on PATH, else one in a local venv of its own
UV       := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
STAMP    := $(VENV)/.installed
LOCKS    := requirements/runtime.lock requirements/dev.lock
# the key pool's peers are measured from an environment of their own, so that none of their packages meets ours
BENCH    := .venv-bench
# so are the tools that read pages; their packages would not go with those of the key pool's peers either
BENCH_EXTRACTION := .venv-bench-extraction
# what makes a site of docs/ has packages of its own too
DOCS     := .venv-docs
LLAMA    := .venv-llama
# the generator of typed clients wants an older Typer than ours
CLIENT   := .venv-client
PYTHON   ?= 3.13
# a Python that somebody asked for is used or the set-up fails; without a wish any supported one will do
FALLBACK := $(if $(filter file,$(origin PYTHON)),>=3.12,$(PYTHON))

# where it is set, each of the thousands of processes of the tests would compile anew all that it imports
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: audit bench-county bench-deployment bench-end-to-end bench-exports bench-extraction bench-extraction-peers bench-fetch bench-keypool bench-merge bench-pages bench-recipes bench-storage bench-watch bench-workers chaos check clean client compiled-others compiled-unit contracts county demo docs exhaustive fit format fuzz help images install licenses lint lock readme reference sbom test test-chaos test-llama test-main types vendor

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(STAMP) ## set up .venv from the hash-pinned locks

$(STAMP): requirements/dev.lock pyproject.toml
	@if [ ! -x "$(UV)" ]; then { python3 -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock; } \
	|| { echo "make: uv could not be set up below .uv, see above. It needs python3 with venv (Debian: apt install python3-venv) and a package index that answers; or have uv on PATH" >&2; exit 1; }; fi
	@if [ ! -x $(PY) ]; then $(UV) venv --quiet --python "$(PYTHON)" $(VENV) 2>/dev/null || $(UV) venv --quiet --python "$(FALLBACK)" $(VENV); fi
	$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/dev.lock
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## the whole system with nothing configured: pages become stored records through a real worker
	$(VENV)/bin/propintel demo

county: install ## a fictional county on loopback, and what to type to look at its properties: docs/fictional-county.md
	$(PY) -m simulators.county $(COUNTY_ARGS)

# Contracts run on memory, the embedded Valkey, and SQLite; SERVERS=every adds redis-server, PostgreSQL,
# long tests, and the benchmarks in miniature.
# WITHOUT names markers of tests to leave out: `make test WITHOUT="and not real_pages"`
# Three processes for each of two cores: most tests with workers wait for leases, reports, and countdowns. With every server
# and a browser two are enough, and more would only make each other late. Deployments run apart, because one start serves a
# whole file. The chaos suite measures times and waits most of its own: with every server its two databases run side by side
# and alone, else beside the others, which let it go first. Both suites read only the files that have their tests, because
# each process would take seconds to read them all.
PROCESSES = $(if $(filter every,$(SERVERS)),4,6)
LEFT_OUT = and not exhaustive $(if $(filter every,$(SERVERS)),,and not every_server and not benchmark and not long) $(WITHOUT)
FILES_WITH = $$(grep -rl --include="*.py" pytest.mark.$(1) tests)
test: install ## the test suite; tests that need a service this machine lacks skip and say why
	@[ -d tests/__pycache__ ] || $(MAKE) --no-print-directory --jobs=2 compiled-unit compiled-others
	@$(MAKE) --no-print-directory --jobs=$(if $(filter every,$(SERVERS)),1,2) test-main test-chaos

# Each process of the tests imports all of them. In a fresh clone each would also compile them and the packages they import,
# so these are compiled first.
# A file that cannot be imported is reported by the tests.
OTHER_TESTS = $(filter-out %/unit/ %/__pycache__/,$(wildcard tests/*/))
compiled-unit compiled-others: install
	@$(PY) -m pytest --collect-only --quiet $(if $(filter %-unit,$@),tests/unit,$(OTHER_TESTS)) > /dev/null 2>&1 || true

test-main: install
	nice $(PY) -m pytest -m "deployed $(LEFT_OUT)" $(call FILES_WITH,deployed)
	nice $(PY) -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder -m "not chaos and not deployed and not llama $(LEFT_OUT)"

test-chaos: install
	$(PY) -m pytest -n 2 --dist load -m "chaos $(LEFT_OUT)" $(call FILES_WITH,chaos)

# llama.cpp has no wheel, and is compiled in up to 20 minutes, once
test-llama: install $(LLAMA)/.installed ## the model step against llama.cpp's own server with a small model
	LLAMA_PYTHON=$(LLAMA)/bin/python $(PY) -m pytest -m llama tests/integration/test_llama_server.py

$(LLAMA)/.installed: requirements/llama.lock | install
	@if [ ! -x $(LLAMA)/bin/python ]; then $(UV) venv --quiet --python $(PY) $(LLAMA); fi
	$(UV) pip sync --quiet --python $(LLAMA)/bin/python --require-hashes requirements/llama.lock
	@touch $@

exhaustive: install ## all examples of property-based tests, requests by the API's schema: some minutes (PROFILE=search: ten times as many, new seeds)
	$(PY) -m pytest -n 3 --dist load -m "not every_server" tests/integration/interfaces/test_web_document.py tests/property_based --hypothesis-profile=$(or $(PROFILE),exhaustive)

# Atheris has wheels for Linux only, so it stays out of .venv
fuzz: install .fuzz/.installed ## fuzz what reads strangers' bytes, FUZZ_SECONDS (600) for each of six; then jobs on 10,000 hostile pages, two hours in all (FUZZ_ARGS="soak")
	PYTHONPATH=.fuzz $(PY) -m tests.fuzz $(FUZZ_ARGS)

.fuzz/.installed: requirements/fuzz.lock | install
	$(UV) pip install --quiet --python $(PY) --target .fuzz --no-deps --require-hashes -r requirements/fuzz.lock
	@touch $@

lint: install
	$(VENV)/bin/ruff check .

format: install
	$(VENV)/bin/ruff format --check .

types: install
	$(VENV)/bin/mypy

contracts: install
	$(VENV)/bin/lint-imports

check: lint format types contracts test ## lint, format, types, import contracts and tests

chaos: install ## 1,000 jobs while everything breaks, as root: about 15 minutes (CHAOS_ARGS="--database postgresql")
	$(PY) -m tests.chaos $(CHAOS_ARGS)

bench-extraction: install ## score the extractors on the labeled pages below SHARED_DIR (BENCH_ARGS="--pages FOLDER", "--out FILE")
	$(PY) -m benchmarks.extraction $(BENCH_ARGS)

bench-extraction-peers: install $(BENCH_EXTRACTION)/.installed ## the same beside other tools, written to docs/benchmarks/extraction.md: some minutes
	$(PY) -m benchmarks.extraction --peers --out docs/benchmarks/extraction.md $(BENCH_ARGS)

fit: install ## fit the weights of confidence on the labeled pages below SHARED_DIR and our own: two minutes (FIT_ARGS=--check)
	$(PY) -m benchmarks.extraction.fitting $(FIT_ARGS)

bench-end-to-end: install ## the same pages through a real worker, then scored
	$(PY) -m benchmarks.end_to_end

bench-keypool: install $(BENCH)/.installed ## the key pool beside its peers: about 8 hours (BENCH_ARGS=--quick: half an hour)
	$(PY) -m benchmarks.keypool run --out bench-keypool.json $(BENCH_ARGS)
	$(PY) -m benchmarks.keypool admission --out bench-keypool.json
	$(PY) -m benchmarks.keypool report bench-keypool.json

bench-workers: install ## pools, overhead, enqueueing, reports on schedule: about an hour (BENCH_ARGS=--quick: some minutes)
	$(PY) -m benchmarks.workers all --out bench-workers.json $(BENCH_ARGS)
	$(PY) -m benchmarks.workers report --out bench-workers.json

bench-pages: install ## first paint of every page in Chromium, with 10,000 jobs stored: some minutes
	$(PY) -m benchmarks.pages $(BENCH_ARGS)

bench-recipes: install ## 30 generated sites with recipes and asking on every page, written to docs/benchmarks/recipes.md: five minutes
	$(PY) -m benchmarks.recipes $(BENCH_ARGS)

bench-exports: install ## every format of export with up to 100,000 properties, seconds and memory: half an hour
	$(PY) -m benchmarks.exports $(BENCH_ARGS)

bench-merge: install ## 100,000 observations into 20,000 properties, on both databases, written to docs/benchmarks/merging.md: half an hour
	$(PY) -m benchmarks.merging --out docs/benchmarks/merging.md $(BENCH_ARGS)

bench-storage: install ## storage with up to 10 million observations, written to docs/benchmarks/storage.md: an hour, 20 GB (BENCH_ARGS="--sizes 100000 --databases sqlite")
	$(PY) -m benchmarks.storage $(BENCH_ARGS)

bench-fetch: install $(BENCH)/.installed ## the fetcher beside Scrapy and httpx2, as root: about six minutes
	$(PY) -m benchmarks.fetch --peers $(abspath $(BENCH)/bin/python) $(BENCH_ARGS)

bench-deployment: install ## image, start and memory of docker-compose.yml, written to docs/benchmarks/deployment.md: some minutes
	$(PY) -m benchmarks.deployment $(BENCH_ARGS)

bench-watch: install ## sixty simulated days of 500 watched properties, written to docs/benchmarks/watching.md: half an hour
	$(PY) -m benchmarks.watching $(BENCH_ARGS)

bench-county: install ## scrape the fictional county on SQLite and PostgreSQL, and compare with its truth: some minutes
	$(PY) -m benchmarks.county $(BENCH_ARGS)

docs: $(DOCS)/.installed ## the documentation as a site in build/docs; a link or anchor that leads nowhere fails it
	rm -rf build/docs
	$(DOCS)/bin/sphinx-build --fail-on-warning --keep-going --quiet -d build/docs-cache -c docs/site . build/docs
	$(DOCS)/bin/python docs/site/check_pages.py build/docs
	@echo "file://$(abspath build/docs/index.html)"

licenses: install ## the license of everything that is installed; one that may not be used fails it
	$(PY) .ci/supply_chain.py licenses

sbom: install ## what production is made of, as CycloneDX in build/sbom.cdx.json
	$(PY) .ci/supply_chain.py sbom build/sbom.cdx.json

audit: install ## known vulnerabilities of what runs: asks a service, so it needs a network, and fails without one
	$(PY) .ci/supply_chain.py audit $(AUDIT_ARGS)

images: ## pin the base images to today's digests of their tags: asks registries, so it needs docker with buildx and a network
	python3 .ci/base_images.py refresh

reference: install ## write docs/reference anew from settings, commands, routes and errors
	PROPINTEL_ENV_FILE= $(PY) -m docs.site.reference

readme: install ## run the demo and write what it prints into README.md
	$(PY) -m docs.site.readme

$(DOCS)/.installed: requirements/docs.lock | install
	@if [ ! -x $(DOCS)/bin/python ]; then $(UV) venv --quiet --python $(PY) $(DOCS); fi
	$(UV) pip sync --quiet --python $(DOCS)/bin/python --require-hashes requirements/docs.lock
	@touch $@

client: install $(CLIENT)/.installed ## set up the generator of typed clients for the test that uses it

$(CLIENT)/.installed: requirements/client.lock | install
	@if [ ! -x $(CLIENT)/bin/python ]; then $(UV) venv --quiet --python $(PY) $(CLIENT); fi
	$(UV) pip sync --quiet --python $(CLIENT)/bin/python --require-hashes requirements/client.lock
	@touch $@

$(BENCH)/.installed: requirements/bench.lock | install
	@if [ ! -x $(BENCH)/bin/python ]; then $(UV) venv --quiet --python $(PY) $(BENCH); fi
	$(UV) pip sync --quiet --python $(BENCH)/bin/python --require-hashes requirements/bench.lock
	@touch $@

$(BENCH_EXTRACTION)/.installed: requirements/bench-extraction.lock | install
	@if [ ! -x $(BENCH_EXTRACTION)/bin/python ]; then $(UV) venv --quiet --python $(PY) $(BENCH_EXTRACTION); fi
	$(UV) pip sync --quiet --python $(BENCH_EXTRACTION)/bin/python --require-hashes requirements/bench-extraction.lock
	@touch $@

lock: ## resolve the dependencies anew (uv.lock stays out of git: it names registries)
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header pyproject.toml -o requirements/runtime.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:bench -c requirements/runtime.lock -o requirements/bench.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:bench-extraction -o requirements/bench-extraction.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:fuzz -o requirements/fuzz.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:docs -o requirements/docs.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:client -o requirements/client.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header --group pyproject.toml:llama -o requirements/llama.lock
	echo hatchling | $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-annotate --no-header -c requirements/dev.lock - -o requirements/build.lock
	echo uv | $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.9 --no-annotate --no-header - -o requirements/uv.lock

# the scripts of the pages, by their hashes in web/vendor/package-lock.json; needs npm, and nothing else does
vendor: ## copy the pages' scripts from npm's packages to web/static/vendor
	cd web/vendor && npm ci --silent
	cp web/vendor/node_modules/htmx.org/dist/htmx.min.js web/vendor/node_modules/swagger-ui-dist/swagger-ui-bundle.js web/vendor/node_modules/swagger-ui-dist/swagger-ui.css web/static/vendor/
	rm -rf web/vendor/node_modules

clean: ## remove the virtual environments, what is built, and caches
	rm -rf $(VENV) $(BENCH) $(BENCH_EXTRACTION) $(CLIENT) $(DOCS) $(LLAMA) build .fuzz .uv .mypy_cache .ruff_cache .pytest_cache
