/** Where PostgreSQL is on a node. */
export const places = {
  bin: '/usr/lib/postgresql/15/bin',
  config: '/etc/postgresql/15/main',
  data: '/var/lib/postgresql/15/main',
  home: '/var/lib/postgresql',
  /** The certificates, of pgbouncer as well. */
  tls: '/etc/postgresql/15/main/tls',
  /** Our own scripts. */
  scripts: '/usr/local/lib/evenkeel',
  pgbouncer: '/etc/pgbouncer',
} as const

export const BIN = places.bin
export const CONFIG = places.config
export const DATA = places.data
export const SOCKETS = '/var/run/postgresql'
export const PGBOUNCER_PORT = 6432
export const PASSFILE = `${places.home}/.pgpass`
export const CERTIFICATE = `${places.tls}/node.crt`
export const CA = `${places.tls}/ca.crt`

/** The units of a node, by what they are called in a survey. */
export const UNITS = {
  postgresql: 'postgresql@15-main.service',
  repmgrd: 'repmgrd.service',
  pgbouncer: 'pgbouncer.service',
  follower: 'pgbouncer-follow.service',
} as const
