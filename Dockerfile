# syntax=docker/dockerfile:1
# One image for the chat and for the ingest. Nothing is downloaded when it runs: the encoder is part of it.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m pip install 'uv<1' && python -m venv /opt/candor
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ingest.py ./
COPY assistant assistant
COPY knowledge knowledge
COPY ui ui
# PyTorch for processors alone: the build for graphics cards is several gigabytes larger.
RUN uv pip install --python /opt/candor --torch-backend cpu --constraint constraints.txt '.[llm,postgres,redis]'
# What the encoder is worked out into at its first use is worked out here.
RUN HF_HUB_OFFLINE=1 /opt/candor/bin/python -m assistant prepare \
    && find /opt/candor -name __pycache__ -type d -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
ENV PATH=/opt/candor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    HOME=/tmp \
    CANDOR_HOST=0.0.0.0 \
    CANDOR_PORT=7860 \
    CANDOR_STORE=/data
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin candor \
    && install --directory --owner=candor --group=candor --mode=0750 /data
COPY --from=build /opt/candor /opt/candor
WORKDIR /data
USER 10001:10001
# The root file system may be read-only: /data keeps the store (a replica's is a copy), /tmp is scratch.
VOLUME ["/data"]
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m"]
CMD ["ui"]
