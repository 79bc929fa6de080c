// Made by `deploy types` from the templates. Do not edit: it is made anew whenever they change.
// The comment above each name is the place that asks for it.
import type { Secret } from 'evenkeel'

// Both kinds of lists are named, so that the compiler says what is wrong in an item.
type Each<Item> = Item[] | readonly Item[] | { readonly [key: string]: Item }

declare module 'evenkeel' {
  interface Templates {
    'app/worker.service.hbs': AppWorkerService
    'haproxy/haproxy.cfg.hbs': HaproxyHaproxyCfg
    'hello/node.service.hbs': HelloNodeService
    'knex/knex.sh.hbs': KnexKnexSh
    'nginx/app.conf.hbs': NginxAppConf
    'nginx/site.conf.hbs': NginxSiteConf
    'postgres/caught-up.sh.hbs': PostgresCaughtUpSh
    'postgres/follow.service.hbs': PostgresFollowService
    'postgres/follow.sh.hbs': PostgresFollowSh
    'postgres/guard.sh.hbs': PostgresGuardSh
    'postgres/pg_hba.conf.hbs': PostgresPgHbaConf
    'postgres/pgbouncer.ini.hbs': PostgresPgbouncerIni
    'postgres/postgresql.conf.hbs': PostgresPostgresqlConf
    'postgres/primaries.sh.hbs': PostgresPrimariesSh
    'postgres/repmgr.conf.hbs': PostgresRepmgrConf
    'postgres/repmgrd.service.hbs': PostgresRepmgrdService
    'postgres/targets.sh.hbs': PostgresTargetsSh
    'postgres/userlist.txt.hbs': PostgresUserlistTxt
  }
}

interface AppWorkerService {
  /** templates/app/worker.service.hbs:14 */
  readonly main: string | number | boolean | Secret
  /** templates/app/worker.service.hbs:2 */
  readonly name: string | number | boolean | Secret
  /** templates/app/worker.service.hbs:14 */
  readonly node: string | number | boolean | Secret
}

interface HaproxyHaproxyCfgServers {
  /** templates/haproxy/haproxy.cfg.hbs:37 */
  readonly address: string | number | boolean | Secret
  /** templates/haproxy/haproxy.cfg.hbs:37 */
  readonly name: string | number | boolean | Secret
}

interface HaproxyHaproxyCfg {
  /** templates/haproxy/haproxy.cfg.hbs:28 */
  readonly backend: string | number | boolean | Secret
  /** templates/haproxy/haproxy.cfg.hbs:36 */
  readonly servers: Each<HaproxyHaproxyCfgServers>
}

interface HelloNodeService {
  /** templates/hello/node.service.hbs:9 */
  readonly env: Each<string | number | boolean | Secret>
  /** templates/hello/node.service.hbs:2 */
  readonly name: string | number | boolean | Secret
}

interface KnexKnexSh {
  /** templates/knex/knex.sh.hbs:2 */
  readonly folder: string | number | boolean | Secret
  /** templates/knex/knex.sh.hbs:2 */
  readonly name: string | number | boolean | Secret
  /** templates/knex/knex.sh.hbs:9 */
  readonly node: string | number | boolean | Secret
}

interface NginxAppConf {
  /** templates/nginx/app.conf.hbs:33 */
  readonly domain: string | number | boolean | Secret
  /** templates/nginx/app.conf.hbs:2 */
  readonly name: string | number | boolean | Secret
  /** templates/nginx/app.conf.hbs:41 */
  readonly node: string | number | boolean | Secret
  /** templates/nginx/app.conf.hbs:42 */
  readonly policy: string | number | boolean | Secret
  /** templates/nginx/app.conf.hbs:3 */
  readonly ports: Each<string | number | boolean | Secret>
  /** templates/nginx/app.conf.hbs:53 */
  readonly proxied: Each<string | number | boolean | Secret>
  /** templates/nginx/app.conf.hbs:51 */
  readonly root: string | number | boolean | Secret
}

interface NginxSiteConfPeers {
  /** templates/nginx/site.conf.hbs:5 */
  readonly address: string | number | boolean | Secret
  /** templates/nginx/site.conf.hbs:5 */
  readonly name: string | number | boolean | Secret
}

interface NginxSiteConf {
  /** templates/nginx/site.conf.hbs:11 */
  readonly domain: string | number | boolean | Secret
  /** templates/nginx/site.conf.hbs:1 */
  readonly node: string | number | boolean | Secret
  /** templates/nginx/site.conf.hbs:4 */
  readonly peers: Each<NginxSiteConfPeers>
  /** templates/nginx/site.conf.hbs:3 */
  readonly port: string | number | boolean | Secret
}

interface PostgresCaughtUpSh {
  /** templates/postgres/caught-up.sh.hbs:12 */
  readonly pgbouncer: string | number | boolean | Secret
  /** templates/postgres/caught-up.sh.hbs:12 */
  readonly scripts: string | number | boolean | Secret
}

interface PostgresFollowService {
  /** templates/postgres/follow.service.hbs:3 */
  readonly cluster: string | number | boolean | Secret
  /** templates/postgres/follow.service.hbs:15 */
  readonly pgbouncer: string | number | boolean | Secret
  /** templates/postgres/follow.service.hbs:9 */
  readonly scripts: string | number | boolean | Secret
}

interface PostgresFollowSh {
  /** templates/postgres/follow.sh.hbs:2 */
  readonly pgbouncer: string | number | boolean | Secret
  /** templates/postgres/follow.sh.hbs:53 */
  readonly scripts: string | number | boolean | Secret
  /** templates/postgres/follow.sh.hbs:48 */
  readonly tls: string | number | boolean | Secret
}

interface PostgresGuardShNodes {
  /** templates/postgres/guard.sh.hbs:24 */
  readonly address: string | number | boolean | Secret
  /** templates/postgres/guard.sh.hbs:24 */
  readonly host: string | number | boolean | Secret
}

interface PostgresGuardSh {
  /** templates/postgres/guard.sh.hbs:6 */
  readonly data: string | number | boolean | Secret
  /** templates/postgres/guard.sh.hbs:23 */
  readonly nodes: Each<PostgresGuardShNodes>
  /** templates/postgres/guard.sh.hbs:22 */
  readonly scripts: string | number | boolean | Secret
}

interface PostgresPgHbaConfClients {
  /** templates/postgres/pg_hba.conf.hbs:13 */
  readonly database: string | number | boolean | Secret
  /** templates/postgres/pg_hba.conf.hbs:13 */
  readonly user: string | number | boolean | Secret
}

interface PostgresPgHbaConfNodes {
  /** templates/postgres/pg_hba.conf.hbs:8 */
  readonly address: string | number | boolean | Secret
  /** templates/postgres/pg_hba.conf.hbs:7 */
  readonly data: unknown
  /** templates/postgres/pg_hba.conf.hbs:6 */
  readonly host: string | number | boolean | Secret
}

interface PostgresPgHbaConf {
  /** templates/postgres/pg_hba.conf.hbs:12 */
  readonly clients: Each<PostgresPgHbaConfClients>
  /** templates/postgres/pg_hba.conf.hbs:4 */
  readonly nodes: Each<PostgresPgHbaConfNodes>
}

interface PostgresPgbouncerIni {
  /** templates/postgres/pgbouncer.ini.hbs:6 */
  readonly address: string | number | boolean | Secret
  /** templates/postgres/pgbouncer.ini.hbs:3 */
  readonly pgbouncer: string | number | boolean | Secret
  /** templates/postgres/pgbouncer.ini.hbs:20 */
  readonly poolSize: string | number | boolean | Secret
  /** templates/postgres/pgbouncer.ini.hbs:14 */
  readonly tls: string | number | boolean | Secret
}

interface PostgresPostgresqlConf {
  /** templates/postgres/postgresql.conf.hbs:2 */
  readonly settings: Each<string | number | boolean | Secret>
}

interface PostgresPrimariesSh {
  /** templates/postgres/primaries.sh.hbs:8 */
  readonly tls: string | number | boolean | Secret
}

interface PostgresRepmgrConf {
  /** templates/postgres/repmgr.conf.hbs:4 */
  readonly address: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:6 */
  readonly bin: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:5 */
  readonly data: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:4 */
  readonly home: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:3 */
  readonly host: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:2 */
  readonly id: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:18 */
  readonly priority: string | number | boolean | Secret
  /** templates/postgres/repmgr.conf.hbs:4 */
  readonly tls: string | number | boolean | Secret
}

interface PostgresRepmgrdService {
  /** templates/postgres/repmgrd.service.hbs:3 */
  readonly cluster: string | number | boolean | Secret
}

interface PostgresTargetsSh {
  /** templates/postgres/targets.sh.hbs:11 */
  readonly databases: readonly (string | number | boolean | Secret)[]
}

interface PostgresUserlistTxtUsers {
  /** templates/postgres/userlist.txt.hbs:2 */
  readonly name: string | number | boolean | Secret
  /** templates/postgres/userlist.txt.hbs:2 */
  readonly verifier: string | number | boolean | Secret
}

interface PostgresUserlistTxt {
  /** templates/postgres/userlist.txt.hbs:1 */
  readonly users: Each<PostgresUserlistTxtUsers>
}
