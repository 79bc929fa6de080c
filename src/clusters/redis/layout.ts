/** Where Redis and Sentinel are on a node. */
export const redisPlaces = {
  config: '/etc/redis',
  data: '/var/lib/redis',
  scripts: '/usr/local/lib/evenkeel',
  tls: '/etc/redis/tls',
  /** For root only: files with one password each, and files in the making. Nobody else writes in a folder above it. */
  root: '/etc/evenkeel-redis',
  /** A former master may start at once: it is used up by that. */
  permit: '/run/evenkeel-redis-start',
} as const

export const REDIS_PORT = 6379
export const SENTINEL_PORT = 26379
export const REDIS_CONF = `${redisPlaces.config}/redis.conf`
export const SENTINEL_CONF = `${redisPlaces.config}/sentinel.conf`
export const CA = `${redisPlaces.tls}/ca.crt`
export const PASSWORD = `${redisPlaces.root}/password`
/** The one before, while it still opens; else the file is empty. */
export const FORMER_PASSWORD = `${redisPlaces.root}/former`
export const SENTINEL_PASSWORD = `${redisPlaces.root}/sentinel`
export const UNITS = { redis: 'redis-server.service', sentinel: 'redis-sentinel.service' } as const
/** The first line of a file of ours: the daemons keep comments when they write their files anew. */
export const MARK = '# Made by evenkeel, kept by the daemon: set '
