# Gatewright's two images:
#   gatewright        operator and admission webhooks
#   gatewright-nginx  the data plane: nginx, and the agent that feeds it
#
# The binaries come from the build context, compiled for the target beforehand:
#   CGO_ENABLED=0 GOARCH=$TARGETARCH go build -o dist/linux-$TARGETARCH/ ./cmd/...
# Go cross-compiles faster than an emulated builder stage would.
#
# No step runs a program of the target's architecture, so an image for arm64 is
# built on amd64, and the other way round, without emulation.

# The only versions of this file. Debian forky has nginx 1.30.
ARG DEBIAN=docker.io/library/debian:forky-slim

FROM --platform=$BUILDPLATFORM ${DEBIAN} AS nginx
ARG TARGETARCH
SHELL ["/bin/sh", "-euc"]
# Packages of the target's architecture are downloaded as if nothing were
# installed, so that all dependencies come along, and only unpacked.
# A mirror's Release file of a testing suite may be older than its own validity
# allows; its signature is checked all the same.
RUN mkdir -p /packages/partial /unpacked; \
    printf '%s\n' \
      "APT::Architecture \"${TARGETARCH}\";" \
      "APT::Architectures \"${TARGETARCH}\";" \
      "APT::Sandbox::User \"root\";" \
      "Acquire::Check-Valid-Until \"false\";" \
      "Dir::State::status \"/dev/null\";" \
      "Dir::Cache::archives \"/packages\";" > /tmp/apt.conf; \
    export APT_CONFIG=/tmp/apt.conf; \
    apt-get -q update; \
    apt-get -q install -y --download-only --no-install-recommends nginx libnginx-mod-stream ca-certificates; \
    for package in /packages/*.deb; do dpkg-deb --extract "$package" /unpacked; done
# Of those, only what nginx needs to run. The ca-certificates package would
# make its bundle when it is configured; here it is never configured.
RUN cd /unpacked; \
    mkdir -p /image/etc/nginx /image/etc/ssl/certs /image/usr/sbin /image/usr/lib/nginx /image/run/gatewright /image/tmp; \
    chmod 1777 /image/tmp; \
    chown 65532:65532 /image/run/gatewright; \
    cp -a usr/sbin/nginx /image/usr/sbin/; \
    cp -a usr/lib/nginx/modules /image/usr/lib/nginx/; \
    cp -a etc/nginx/mime.types /image/etc/nginx/; \
    for libraries in usr/lib/*-linux-gnu*; do \
      mkdir -p "/image/$libraries"; \
      cp -a "$libraries"/*.so* "/image/$libraries/"; \
    done; \
    for loader in usr/lib/ld-linux* usr/lib64; do \
      if [ -e "$loader" ]; then cp -a "$loader" "/image/${loader%/*}/"; fi; \
    done; \
    for directory in sbin lib lib64; do \
      if [ -e "/image/usr/$directory" ]; then ln -s "usr/$directory" "/image/$directory"; fi; \
    done; \
    cat usr/share/ca-certificates/mozilla/*.crt > /image/etc/ssl/certs/ca-certificates.crt; \
    printf '%s\n' 'root:x:0:0:root:/:/nonexistent' 'nginx:x:65532:65532:nginx:/:/nonexistent' > /image/etc/passwd; \
    printf '%s\n' 'root:x:0:' 'nginx:x:65532:' > /image/etc/group

# nginx runs without root and on a read-only root filesystem: mount something
# writable on /run/gatewright, where the agent keeps all that changes.
FROM scratch AS gatewright-nginx
ARG TARGETARCH
COPY --from=nginx /image/ /
COPY dist/linux-${TARGETARCH}/gatewright-agent /usr/bin/gatewright-agent
USER 65532:65532
ENTRYPOINT ["/usr/bin/gatewright-agent"]

FROM scratch AS gatewright
ARG TARGETARCH
COPY dist/linux-${TARGETARCH}/gatewright /usr/bin/gatewright
USER 65532:65532
ENTRYPOINT ["/usr/bin/gatewright"]
