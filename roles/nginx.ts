import {
  apt,
  certificate,
  directory,
  file,
  handler,
  type Secret,
  service,
  sh,
  symlink,
  type Task,
  template,
} from 'evenkeel'

const reload = handler('reload nginx', sh`systemctl reload nginx`, { validate: sh`nginx -t`, restarts: 'nginx' })

export interface Nginx {
  /** Names the site, and the workers behind it. */
  readonly name: string
  readonly domain: string
  /** The host's name: every answer has it in the header X-Node. */
  readonly node: string
  /** The ports of the workers on this host. */
  readonly ports: readonly number[]
  /** Which paths go to the workers, in nginx's words: `/api/` for all below it, `= /version` for one. */
  readonly proxied: readonly string[]
  /** The folder with the files of the single-page application: what is no file is answered by its index.html. */
  readonly root: string
  /** The Content-Security-Policy of every answer. */
  readonly policy: string
  /** The internal CA that signs the site's certificate: a file of the project, and its key. */
  readonly ca: { readonly certificate: string; readonly key: Secret }
}

/**
 * Serves `domain` over TLS: the files of a single-page application, and its workers. Over plain HTTP there is `/healthz`
 * alone, which asks a worker.
 *
 * While the file `/var/lib/health/out` is there, `/healthz` answers 503 and every other answer closes its connection, so
 * that the host can leave a load balancer without losing a request. Configuration is judged as a whole before it is
 * reloaded; nginx is never restarted.
 */
export function nginx({ name, domain, node, ports, proxied, root, policy, ca }: Nginx): readonly Task[] {
  const tls = `/etc/nginx/tls/${name}`
  return [
    apt({ packages: ['nginx-light', 'openssl'], start: false }),
    directory({ path: '/var/lib/health', owner: 'root', group: 'root', mode: '0755' }),
    directory({ path: '/etc/nginx/tls', owner: 'root', group: 'root', mode: '0755' }),
    certificate({ path: `${tls}.crt`, key: `${tls}.key`, ca, name: domain }, { notify: reload }),
    file({ path: '/etc/nginx/sites-enabled/default', absent: true }, { notify: reload }),
    template(
      {
        from: 'nginx/app.conf.hbs',
        to: `/etc/nginx/sites-available/${name}`,
        data: { name, domain, node, ports, proxied, root, policy },
      },
      { notify: reload },
    ),
    symlink({ path: `/etc/nginx/sites-enabled/${name}`, target: `../sites-available/${name}` }, { notify: reload }),
    service({ unit: 'nginx', running: true, enabled: true }),
  ]
}
