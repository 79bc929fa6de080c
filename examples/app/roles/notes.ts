// The application, and what it needs of its site.
import type { Secret } from 'evenkeel'
import type { App, Environment } from 'evenkeel/roles/app'
import type { Node, PinnedArchive } from 'evenkeel/roles/node'
import manifest from '../app/package.json' with { type: 'json' }
import type { Site } from '../inventories/schema.ts'
import tools from '../tools.json' with { type: 'json' }

export const { name, version } = manifest

/** One worker for each. */
export const ports = [3001, 3002, 3003]

/** The certificate of the internal CA, on each host. */
export const caFile = '/etc/ssl/site-ca.crt'

/** Node and yarn, as vendor.js fetched them. */
export const runtime: Node = { version: tools.node.version, ...pinned(tools.node), yarn: pinned(tools.yarn) }

/** The application, with its database and its cache. */
export function app(site: Site): App {
  return {
    ...{ name, version, ports, from: 'app', mirror: 'vendor/mirror', node: runtime.version, main: 'server.js' },
    environment: { ...database(site), ...cache(site) },
  }
}

/** How the application, and its migrations, reach the database: by the pgbouncer of their host, which knows the primary. */
export function database(site: Site): Environment {
  return {
    PGHOST: '127.0.0.1',
    PGPORT: 6432,
    PGDATABASE: name,
    PGUSER: name,
    PGPASSWORD: site.secrets.dbPassword,
    PGSSLMODE: 'verify-full',
    NODE_EXTRA_CA_CERTS: caFile,
  }
}

/** How the application reaches Redis: it asks the Sentinels for the master. */
function cache(site: Site): Environment {
  return {
    REDIS_SENTINELS: site
      .group('app')
      .map(({ address }) => `${address}:26379`)
      .join(','),
    REDIS_NAME: 'cache',
    REDIS_PASSWORD: site.secrets.redisPassword,
    REDIS_SENTINEL_PASSWORD: site.secrets.redisPassword,
  }
}

/** The internal CA, which signs the certificates of the hosts. */
export function ca({ environment, secrets }: Site): { readonly certificate: string; readonly key: Secret } {
  return { certificate: `files/${environment}-ca.crt`, key: secrets.caKey }
}

function pinned(tool: { readonly name: string; readonly version: string; readonly sha256: string }): PinnedArchive {
  return { from: `vendor/${tool.name}-${tool.version}.tgz`, sha256: tool.sha256 }
}
