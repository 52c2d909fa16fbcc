# The service in a small image:
#
#   docker build -t sightline .
#   docker run --init -p 127.0.0.1:4000:4000 -e SIGHTLINE_UPSTREAM=https://api.openai.com sightline
#
# docker-compose.yml has the same with everything around it.

# The version of the devDependency `node`, on which the tests run.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

# No package needs its install script here: esbuild's program comes in a package of its own for the platform,
# and the npm package `node`, which brings clones their runtime, has nothing to bring.
FROM base AS packages
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM base AS build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/package.ts scripts/
COPY src src/
RUN npm run build --ignore-scripts

FROM base AS runtime
LABEL org.opencontainers.image.title="Sightline" \
      org.opencontainers.image.description="A proxy between AI clients and their model backends that shows what every request did." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
# A volume that is mounted here belongs to the service: it may keep its admin token in it.
RUN install -d -o node -g node -m 0750 /run/sightline
COPY --from=packages /app/node_modules node_modules/
# In a folder of its own: /app itself is for what is mounted, `sightline.yaml` and `plugins/`.
COPY --from=build /app/dist dist/
USER node
# Data plane and admin plane. The latter is on loopback, which nobody can publish, until it has a token.
EXPOSE 4000 4001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SIGHTLINE_ADMIN_PORT || 4001}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
