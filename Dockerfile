# The operator as an image of one static program: no shell, no package manager, not root.
#
#   docker build --tag ghcr.io/speech-operator/speech-operator:v0.1.0 .
#
# For more platforms add --platform linux/amd64,linux/arm64 with a builder that emulates them.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev gcc make
WORKDIR /source
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY src src
COPY crates crates
COPY dev dev
# Cargo.toml names a benchmark, so its source has to be there; it is not built.
COPY benches benches
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --bin speech-operator \
    && cp target/release/speech-operator /speech-operator

FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.source="https://github.com/speech-operator/speech-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /speech-operator /speech-operator
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/speech-operator"]
CMD ["run"]
