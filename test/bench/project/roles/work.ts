// The work as data, for the playbook and, as JSON, for the floor.

export const packages = 'nginx fail2ban rsyslog curl git htop ufw logrotate rsync unzip'.split(' ')

export const accounts = ['deploy', 'app', 'metrics', 'backup1'].map((name, index) => ({ name, id: 2001 + index }))

export const directories = [
  { path: '/etc/web', owner: 'root', mode: '0755' },
  { path: '/etc/web/conf.d', owner: 'root', mode: '0755' },
  { path: '/srv/app', owner: 'app', mode: '0755' },
  { path: '/srv/app/releases', owner: 'app', mode: '0755' },
  { path: '/srv/app/shared', owner: 'app', mode: '0750' },
  { path: '/var/log/web', owner: 'app', mode: '0750' },
  { path: '/srv/static', owner: 'deploy', mode: '0755' },
  { path: '/var/lib/metrics', owner: 'metrics', mode: '0700' },
]

export const domain = 'example.test'
export const workerPort = 9000
export const peers = Array.from({ length: 10 }, (_, index) => ({
  name: `node${String(index + 1).padStart(2, '0')}`,
  addr: `10.0.0.${index + 1}`,
}))

/** Template 0 carries the revision, 1 to 4 are upstreams, 5 is nginx's site, the rest are plain settings. */
export const templates = Array.from({ length: 20 }, (_, index) => {
  const nginx = index < 6
  const number = String(index).padStart(2, '0')
  const name = index === 0 ? 'revised.conf' : nginx ? `ngx${number}.conf` : `web${number}.conf`
  const folder = nginx ? '/etc/nginx/conf.d' : '/etc/web/conf.d'
  return { name, nginx, index, to: index === 5 ? '/etc/nginx/sites-available/site.conf' : `${folder}/${name}` }
})

export const copies = [
  { from: 'bundle.bin', to: '/srv/static/bundle.bin', owner: 'deploy', mode: '0644' },
  { from: 'index.html', to: '/srv/static/index.html', owner: 'deploy', mode: '0644' },
  { from: 'health.sh', to: '/srv/app/shared/health.sh', owner: 'app', mode: '0750' },
]

export const services = ['appa', 'appb', 'appc', 'appd']

/** The unit file of one of the services. */
export function unitText(name: string): string {
  return [
    `[Unit]\nDescription=${name}`,
    '[Service]\nUser=app\nExecStart=/bin/sleep infinity\nRestart=always',
    '[Install]\nWantedBy=multi-user.target\n',
  ].join('\n')
}

export const link = { path: '/etc/nginx/sites-enabled/site.conf', target: '/etc/nginx/sites-available/site.conf' }

export const lines = [
  {
    path: '/etc/sysctl.d/60-web.conf',
    lines: [
      'net.core.somaxconn = 1024',
      'net.ipv4.tcp_keepalive_time = 600',
      'vm.swappiness = 10',
      'vm.overcommit_memory = 1',
    ],
  },
  { path: '/etc/profile', lines: ['umask 027'] },
  { path: '/etc/security/limits.conf', lines: ['app soft nofile 65536'] },
  { path: '/etc/bash.bashrc', lines: ['export HISTSIZE=5000'] },
]

/** Entries of root's crontab. */
export const cron = [
  { name: 'rotate', schedule: '7 3 * * *', run: '/usr/sbin/logrotate /etc/logrotate.conf >/dev/null 2>&1' },
  { name: 'health', schedule: '9 * * * *', run: '/srv/app/shared/health.sh >/dev/null 2>&1' },
]
