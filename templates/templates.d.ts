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
