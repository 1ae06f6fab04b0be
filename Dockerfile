# Three stages: build with everything, install what runs, keep only that.
#
# The image is named by its digest: the tag alone would be another one tomorrow. This one is Node 24.19.0 of 2026-08-25, as
# https://github.com/docker-library/repo-info/blob/master/repos/node/remote/24-bookworm-slim.md recorded it. To renew it (for
# fixes of Node and Debian), in all three places: docker buildx imagetools inspect node:24-bookworm-slim
FROM node:24-bookworm-slim@sha256:a9f5f7c91c432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build-page.mjs scripts/copy-lua.mjs ./scripts/
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim@sha256:a9f5f7c91c432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim@sha256:a9f5f7c91c432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# For the embedded store (no REDIS_URL): mount a volume here to keep it.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 8000 3000
# 200 only while the store answers; asks for no key.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not by npm, which would not hand SIGTERM on.
CMD ["node", "--max-semi-space-size=32", "dist/main.js"]
