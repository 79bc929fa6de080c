import { places } from './settings.ts'

/** Where things are on a node, the same on each. */
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
