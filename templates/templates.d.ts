// Made by `deploy types` from the templates. Do not edit: it is made anew whenever they change.
// The comment above each name is the place that asks for it.
import type { Secret } from 'evenkeel'

// Both kinds of lists are named, so that the compiler says what is wrong in an item.
type Each<Item> = Item[] | readonly Item[] | { readonly [key: string]: Item }

declare module 'evenkeel' {
  interface Templates {
    'hello/node.service.hbs': HelloNodeService
    'nginx/site.conf.hbs': NginxSiteConf
  }
}

interface HelloNodeService {
  /** templates/hello/node.service.hbs:9 */
  readonly env: Each<string | number | boolean | Secret>
  /** templates/hello/node.service.hbs:2 */
  readonly name: string | number | boolean | Secret
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
