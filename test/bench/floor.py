#!/usr/bin/python3
"""The floor: one OpenSSH connection and one `sh -s` per host. Round trip 1 sends one script that asks everything and
reads the answers; only if something differs, round trip 2 on the same channel sends what is to change.
usage: floor.py HOSTS KEY KNOWN_HOSTS WORK REV     (HOSTS: lines of name, address, port; WORK: folder with spec.json)"""
import asyncio, base64, hashlib, io, json, shlex, sys, tarfile
from jinja2 import Environment, FileSystemLoader

HOSTS, KEY, KNOWN_HOSTS, WORK, REV = sys.argv[1:6]
SPEC = json.load(open(WORK + '/spec.json'))
quote = shlex.quote
jinja = Environment(loader=FileSystemLoader(WORK + '/templates'), trim_blocks=True, keep_trailing_newline=True)
raw = lambda name: open(WORK + '/files/' + name, 'rb').read()
static = {f['from']: raw(f['from']) for f in SPEC['copies']}
units = {s: raw(s + '.service') for s in SPEC['services']}
templates = [(t, jinja.get_template(t['name'] + '.j2')) for t in SPEC['templates']]


def wanted_files(node):
    """path -> (bytes, owner, group, mode, tag)"""
    data = dict(node=node, domain=SPEC['domain'], worker_port=SPEC['workerPort'], rev=int(REV), peers=SPEC['peers'])
    files = {}
    for t, compiled in templates:
        files[t['to']] = (compiled.render(data).encode(), 'root', 'root', '0644', 'nginx' if t['nginx'] else '')
    for f in SPEC['copies']:
        files[f['to']] = (static[f['from']], f['owner'], f['owner'], f['mode'], '')
    for s in SPEC['services']:
        files['/etc/systemd/system/%s.service' % s] = (units[s], 'root', 'root', '0644', 'unit')
    return files


LINES = [(l['path'], line) for l in SPEC['lines'] for line in l['lines']]
CRON = [('# evenkeel: ' + c['name'], c['schedule'] + ' ' + c['run']) for c in SPEC['cron']]
LINK = SPEC['link']
SERVICES = SPEC['services'] + (['nginx'] if SPEC['services'] else [])


def question(files):
    paths = [quote(d['path']) for d in SPEC['directories']] + [quote(f) for f in files]
    names = ' '.join(a['name'] for a in SPEC['accounts'])
    script = ['f() {']
    if SPEC['packages']: script.append("dpkg-query -W -f 'pkg ${Package} ${db:Status-Status}\\n' " + ' '.join(SPEC['packages']))
    script.append("stat -c 'stat %n|%U|%G|%a' " + ' '.join(paths))
    script.append('sha256sum ' + ' '.join(map(quote, files)))
    if names: script.append("getent group %s | sed 's/^/grp /'" % names)
    if names: script.append("getent passwd %s | sed 's/^/usr /'" % names)
    script.append('printf "lnk %%s\\n" "$(readlink %s)"' % quote(LINK['path']))
    if SERVICES: script.append('systemctl show -p Id,ActiveState,UnitFileState ' + ' '.join(SERVICES))
    script += ['grep -qxF -- %s %s && echo line %d' % (quote(l), quote(f), i) for i, (f, l) in enumerate(LINES)]
    if CRON: script.append("crontab -l | sed 's/^/cron /'")
    return '\n'.join(script) + '\n}\nf 2>/dev/null </dev/null; echo @END\n'


def read(text):
    """The answers as sets and maps."""
    a = dict(pkg=set(), stat={}, sum={}, lnk='', line=set(), cron=set(), grp=set(), usr=set(), unit={})
    unit = {}
    for x in text.splitlines():
        word, _, rest = x.partition(' ')
        if word == 'pkg': a['pkg'].add(rest.split()[0]) if rest.endswith(' installed') else None
        elif word == 'stat': path, *owner = rest.split('|'); a['stat'][path] = tuple(owner)
        elif len(x) > 66 and x[64:66] == '  ': a['sum'][x[66:]] = x[:64]
        elif word == 'lnk': a['lnk'] = rest
        elif word == 'line': a['line'].add(int(rest))
        elif word == 'cron': a['cron'].add(rest)
        elif word == 'grp': f = rest.split(':'); a['grp'].add((f[0], int(f[2])))
        elif word == 'usr': f = rest.split(':'); a['usr'].add((f[0], int(f[2]), f[6], f[5]))
        elif '=' in x:
            k, v = x.split('=', 1)
            unit[k] = v
            if len(unit) == 3: a['unit'][unit['Id']] = unit; unit = {}
    return a


def decide(files, a):
    """What to run first, which files to put, what to run last."""
    out, puts, tags, tail = [], [], set(), []
    mode = lambda owner, group, mode: (owner, group, mode.lstrip('0'))
    missing = [p for p in SPEC['packages'] if p not in a['pkg']]
    if missing: out.append('apt-get -qq install -y --no-install-recommends ' + ' '.join(missing))
    for x in SPEC['accounts']:
        if (x['name'], x['id']) not in a['grp']: out.append('groupadd -g %d %s' % (x['id'], x['name']))
    for x in SPEC['accounts']:
        if (x['name'], x['id'], '/bin/bash', '/home/' + x['name']) not in a['usr']:
            out.append('useradd -m -u %d -g %s -s /bin/bash %s' % (x['id'], x['name'], x['name']))
    for d in SPEC['directories']:
        if a['stat'].get(d['path']) != mode(d['owner'], d['owner'], d['mode']):
            out.append('install -d -o %s -g %s -m %s %s' % (d['owner'], d['owner'], d['mode'], quote(d['path'])))
    for path, (content, owner, group, m, tag) in files.items():
        if a['sum'].get(path) != hashlib.sha256(content).hexdigest(): puts.append(path); tags.add(tag)
        elif a['stat'].get(path) != mode(owner, group, m):
            out.append('chown %s:%s %s; chmod %s %s' % (owner, group, quote(path), m, quote(path)))
    if a['lnk'] != LINK['target']: tail.append('ln -sfn %s %s' % (quote(LINK['target']), quote(LINK['path']))); tags.add('nginx')
    if 'unit' in tags: tail.append('systemctl daemon-reload')
    state = lambda s: a['unit'].get(s + '.service', {})
    down = [s for s in SERVICES if (state(s).get('ActiveState'), state(s).get('UnitFileState')) != ('active', 'enabled')]
    if down: tail.append('systemctl -q enable --now ' + ' '.join(down))
    tail += ['echo %s >>%s' % (quote(l), quote(f)) for i, (f, l) in enumerate(LINES) if i not in a['line']]
    jobs = [c for c in CRON if not set(c) <= a['cron']]
    if jobs:
        new = '; '.join('echo %s; echo %s' % (quote(note), quote(line)) for note, line in jobs)
        tail.append('{ crontab -l 2>/dev/null; %s; } | crontab -' % new)
    if 'nginx' in tags: tail.append('systemctl reload nginx')
    return out, puts, tail


def program(files, out, puts, tail):
    """The script of round trip 2: all contents as one tar, then every step."""
    data, moves = io.BytesIO(), []
    with tarfile.open(fileobj=data, mode='w') as tar:
        for i, path in enumerate(puts):
            content, owner, group, m, _ = files[path]
            info = tarfile.TarInfo('f%d' % i)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            new = quote(path + '.new')
            moves.append('install -o %s -g %s -m %s $T/f%d %s && mv %s %s' % (owner, group, m, i, new, new, quote(path)))
    packed = base64.encodebytes(data.getvalue()).decode()
    script = 'T=$(mktemp -d)\nbase64 -d <<"@P" | tar x -C $T\n%s\n@P\n' % packed
    return script + 'f() {\nset -e\n%s\n}\n(f </dev/null) >/dev/null || echo FAIL; rm -rf $T; echo @END\n' % '\n'.join(out + moves + tail)


async def one(name, address, port):
    files = wanted_files(name)
    options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'UserKnownHostsFile="%s"' % KNOWN_HOSTS, 'LogLevel=ERROR']
    ssh = ['ssh', '-T'] + [x for o in options for x in ('-o', o)] + ['-i', KEY, '-p', port, 'root@' + address, 'sh -s']
    pipe = asyncio.subprocess.PIPE
    link = await asyncio.create_subprocess_exec(*ssh, stdin=pipe, stdout=pipe, limit=1 << 24)

    async def ask(script):
        link.stdin.write(script.encode())
        await link.stdin.drain()
        lines = []
        while True:
            line = (await link.stdout.readline()).decode('utf8', 'replace')
            if not line: raise SystemExit(name + ': connection ended')
            if line == '@END\n': return ''.join(lines)
            lines.append(line)

    out, puts, tail = decide(files, read(await ask(question(files))))
    changed = len(out) + len(puts) + len(tail)
    failed = bool(changed) and 'FAIL' in await ask(program(files, out, puts, tail))
    link.stdin.close()
    await link.wait()
    return -1 if failed else changed


async def main():
    return await asyncio.gather(*[one(*line.split()) for line in open(HOSTS)])

counts = asyncio.run(main())
print('hosts', len(counts), 'changed', sum(counts))
sys.exit(1 if min(counts) < 0 else 0)
