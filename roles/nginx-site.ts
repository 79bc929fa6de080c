import { apt, file, handler, service, sh, symlink, type Task, template } from 'evenkeel'

const reload = handler('reload nginx', sh`systemctl reload nginx`, { validate: sh`nginx -t` })

export interface NginxSite {
  readonly domain: string
  /** The port of the service on this host. */
  readonly port: number
  /** Name of this host, shown in a header so that one can see who answered. */
  readonly node: string
  /** Further hosts that answer when this host's service does not: address and port. */
  readonly peers: readonly { readonly name: string; readonly address: string }[]
}

/** Serves `domain` by nginx in front of a service on this host, with the peers as a fallback. */
export function nginxSite({ domain, port, node, peers }: NginxSite): readonly Task[] {
  return [
    apt({ packages: ['nginx-light'], start: false }),
    file({ path: '/etc/nginx/sites-enabled/default', absent: true }, { notify: reload }),
    template(
      { from: 'nginx/site.conf.hbs', to: `/etc/nginx/sites-available/${domain}`, data: { domain, port, node, peers } },
      { notify: reload },
    ),
    symlink({ path: `/etc/nginx/sites-enabled/${domain}`, target: `../sites-available/${domain}` }, { notify: reload }),
    service({ unit: 'nginx', running: true, enabled: true }),
  ]
}
