# Debian 12 with the cross compilers and emulators that .cargo/config.toml names.
FROM debian:12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      gcc libc6-dev \
      gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
      gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
      qemu-user-static \
 && rm -rf /var/lib/apt/lists/*
