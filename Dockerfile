# One image for every process: the worker unless told otherwise (`celery -A worker beat`, `propintel db upgrade`, ...).
# Nothing here names an architecture: pip takes the wheels of the one that it builds on.

# The digest is that of the index of all architectures. `make images` refreshes it.
ARG PYTHON_IMAGE=python:3.13-slim@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f

FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/propintel
COPY requirements/runtime.lock .
RUN pip --python /opt/propintel/bin/python install --require-hashes -r runtime.lock


# the project itself, by the locked build backend, in a folder of its own: a change of the source is a small layer
FROM dependencies AS project
COPY requirements/build.lock .
RUN pip install --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY tasks tasks
COPY worker worker
COPY web web
COPY cli cli
COPY simulators simulators
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/propintel/bin/python install --no-deps --no-index --prefix /opt/project dist/*.whl
COPY deploy/docker /opt/project/share/propintel


FROM ${PYTHON_IMAGE}
# a volume takes owner and mode of the folder that it is mounted on when it is new
RUN groupadd --gid 10001 propintel \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/propintel --shell /usr/sbin/nologin propintel \
 && install -d -m 0700 -o propintel -g propintel /var/lib/propintel /run/propintel
COPY --from=dependencies /opt/propintel /opt/propintel
COPY --from=project /opt/project /opt/propintel
# REMAP_SIGTERM: TERM, which `docker stop` sends, is Celery's soft shutdown. Give it 30 s or more to end.
# WORKER_CONCURRENCY: without it a worker does as many jobs at once as the host has processors, whatever its memory.
ENV PATH=/opt/propintel/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REMAP_SIGTERM=SIGQUIT \
    WORKER_CONCURRENCY=2 \
    PROPINTEL_HOME=/var/lib/propintel
WORKDIR /opt/propintel
USER propintel
VOLUME /var/lib/propintel
STOPSIGNAL SIGTERM
# what the process is, the check sees from its command line
HEALTHCHECK --interval=15s --timeout=10s --retries=3 --start-period=300s \
  CMD ["python", "/opt/propintel/share/propintel/healthy.py"]
CMD ["celery", "-A", "worker", "worker", "--loglevel", "INFO"]
