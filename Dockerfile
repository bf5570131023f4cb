# A Beam worker with the project and the pinned lists in it, for --sdk_container_image.
# Before: c4pipe resources --output resources
FROM apache/beam_python3.11_sdk:2.77.0

COPY pyproject.toml setup.py constraints.txt README.md LICENSE /opt/c4pipe/
COPY build_tools /opt/c4pipe/build_tools
COPY c4pipe /opt/c4pipe/c4pipe
COPY beam_jobs /opt/c4pipe/beam_jobs
COPY model /opt/c4pipe/model
COPY resources /opt/c4pipe/resources
# gcld3, which tells the languages of `multilingual`, is built from source.
RUN apt-get update && apt-get install -y g++ python3-dev protobuf-compiler libprotobuf-dev && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir --constraint /opt/c4pipe/constraints.txt '/opt/c4pipe[gcp,multilingual]'
RUN python -c "from c4pipe import engine; engine.use('fast')"

ENV C4PIPE_RESOURCES=/opt/c4pipe/resources
