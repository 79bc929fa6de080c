// Host, database, user, password and TLS come from the variables that every PostgreSQL client knows: PGHOST, PGDATABASE,
// PGUSER, PGPASSWORD, PGSSLMODE.
export default {
  client: 'pg',
  connection: { connectionTimeoutMillis: 2000 },
  pool: { min: 0, max: 5 },
  acquireConnectionTimeout: 2000,
  migrations: { directory: './migrations' },
}
