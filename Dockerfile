# SPDX-License-Identifier: Apache-2.0
#
# The agent's image: shuntd, shuntctl, the libraries they load and the CA certificates, nothing else.
#
#	docker build -t shunt .

FROM debian:12-slim AS build
WORKDIR /src
# The packages first: they change less often than the sources.
COPY scripts/install-deps scripts/install-deps
RUN scripts/install-deps build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make -j"$(nproc)" CFLAGS=-O2 all && scripts/deploy/rootfs /rootfs

FROM scratch
COPY --from=build /rootfs /
ENV PATH=/usr/sbin:/usr/bin
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --retries=3 --start-period=15s \
	CMD ["/usr/bin/shuntctl", "status"]
ENTRYPOINT ["/usr/sbin/shuntd"]
