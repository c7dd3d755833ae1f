# docker build -t darkclr .
# docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" darkclr run --config quick
#
# For NVIDIA GPUs: docker build --build-arg TORCH_INDEX= -t darkclr . ; docker run --gpus all ...
FROM python:3.12-slim

# The CPU build of torch; PyPI's brings gigabytes of CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY configs configs
COPY validation/published.yaml validation/
RUN pip install --no-cache-dir --only-binary :all: \
      ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[all]"

# A user with a name and a home: matplotlib and torch keep caches there, by that name. Whoever is
# somebody else (`--user`) has neither.
RUN useradd --create-home --uid 1000 darkclr && install --directory --owner darkclr /work
ENV USER=darkclr MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /work
USER darkclr
ENTRYPOINT ["darkclr"]
CMD ["--help"]
