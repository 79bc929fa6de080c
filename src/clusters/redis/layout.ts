/** Where Redis and Sentinel are on a node. */
export const redisPlaces = {
  config: '/etc/redis',
  data: '/var/lib/redis',
  scripts: '/usr/local/lib/evenkeel',
  tls: '/etc/redis/tls',
  /** Files with one password each, for root only. */
  passwords: '/etc/redis/evenkeel',
  /** A former master may start at once: it is used up by that. */
  permit: '/run/evenkeel-redis-start',
} as const

export const REDIS_PORT = 6379
export const SENTINEL_PORT = 26379
export const REDIS_CONF = `${redisPlaces.config}/redis.conf`
export const SENTINEL_CONF = `${redisPlaces.config}/sentinel.conf`
export const CA = `${redisPlaces.tls}/ca.crt`
export const PASSWORD = `${redisPlaces.passwords}/password`
/** The one before, while it still opens; else the file is empty. */
export const FORMER_PASSWORD = `${redisPlaces.passwords}/former`
export const SENTINEL_PASSWORD = `${redisPlaces.passwords}/sentinel`
export const UNITS = { redis: 'redis-server.service', sentinel: 'redis-sentinel.service' } as const
/** The first line of a file of ours: the daemons keep comments when they write their files anew. */
export const MARK = '# Made by evenkeel, kept by the daemon: set '
