FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/descent
COPY requirements.txt ./
COPY client/requirements.txt client/requirements.txt
COPY scripts/install scripts/install
RUN scripts/install python requirements.txt client/requirements.txt
# Remove files that are not used at run time: installers, headers, tests, tools and bytecode. The service's first import
# below writes the bytecode of the modules that it needs.
RUN .venv/bin/pip uninstall --quiet --yes uv pip \
 && find .venv -path '*/torch/bin/*' ! -name torch_shm_manager -delete \
 && find .venv -type d \( -path '*/torch/include' -o -path '*/torch/test' -o -name tests -o -name __pycache__ \) \
    -prune -exec rm -r {} +

FROM python:3.11-slim-bookworm
WORKDIR /srv/descent
RUN groupadd --gid 10001 descent \
 && useradd --uid 10001 --gid descent --no-create-home --shell /usr/sbin/nologin descent \
 && install --directory --owner descent --group descent /models
ENV PATH=/srv/descent/.venv/bin:$PATH PYTHONPATH=/srv/descent DESCENT_HOST=0.0.0.0 DESCENT_STORE=/models
COPY --from=build /srv/descent/.venv .venv
COPY gunicorn.conf.py ./
COPY service service
# The client is the last layer that changes often: the layer of .venv above depends on the requirements only.
RUN --mount=type=bind,source=client,target=/srv/client,rw \
    pip --python .venv/bin/python install --quiet --no-cache-dir --no-deps --no-build-isolation /srv/client
# One training and one prediction, so that a broken image is not built. The bytecode of imported modules is written now,
# because the root file system is read-only later.
RUN descent --help > /dev/null \
 && DESCENT_STORE=/tmp/trial python -W ignore -c "import gunicorn.workers.gthread, urllib.request, service.app; \
post = service.app.create_app().test_client().post; \
assert post('/train', json={'x': [1, 2], 'y': [1, 2], 'method': 'autograd', 'epochs': 1}).status_code == 201; \
assert post('/predict', json={'x': 3}).status_code == 200" \
 && rm -r /tmp/trial
USER 10001:10001
VOLUME /models
EXPOSE 8000
# The check connects directly, even if Docker has put a proxy into the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('DESCENT_PORT', '8000') + '/readyz', timeout=4)"]
CMD ["gunicorn"]
