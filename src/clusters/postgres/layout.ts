/** Where things are on a node: the same on each. */
export const DATA = '/var/lib/postgresql/15/main'
export const CONFIG = '/etc/postgresql/15/main'
export const BIN = '/usr/lib/postgresql/15/bin'
export const SOCKETS = '/var/run/postgresql'
export const PASSFILE = '/var/lib/postgresql/.pgpass'
export const CERTIFICATE = `${CONFIG}/tls/node.crt`
export const CA = `${CONFIG}/tls/ca.crt`
export const PGBOUNCER_PORT = 6432

/** The units of a node, by what they are called in a survey. */
export const UNITS = {
  postgresql: 'postgresql@15-main.service',
  repmgrd: 'repmgrd.service',
  pgbouncer: 'pgbouncer.service',
  follower: 'pgbouncer-follow.service',
} as const
