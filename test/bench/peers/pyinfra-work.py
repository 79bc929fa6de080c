"""The work of the benchmark for pyinfra. BENCH_WORK is the folder with spec.json, BENCH_REV the wanted revision."""
import json, os
from pyinfra import host
from pyinfra.operations import apt, crontab, files, server, systemd

WORK = os.environ['BENCH_WORK']
SPEC = json.load(open(WORK + '/spec.json'))
DATA = dict(node=host.name, domain=SPEC['domain'], worker_port=SPEC['workerPort'], rev=int(os.environ['BENCH_REV']), peers=SPEC['peers'])
# pyinfra compares parsed numbers: a string of digits would count as changed in each run.
number = lambda text: int(text) if text.isdigit() else text
some = lambda operations: lambda: any(operation.did_change() for operation in operations)

apt.packages(name='packages', packages=SPEC['packages'])
for a in SPEC['accounts']:
    server.group(name='group ' + a['name'], group=a['name'], gid=a['id'])
for a in SPEC['accounts']:
    server.user(name='user ' + a['name'], user=a['name'], uid=a['id'], group=a['name'], shell='/bin/bash', home='/home/' + a['name'], create_home=True)
for d in SPEC['directories']:
    files.directory(name='directory ' + d['path'], path=d['path'], user=d['owner'], group=d['owner'], mode=d['mode'][1:])
nginx = []
for t in SPEC['templates']:
    operation = files.template(
        name='template ' + t['to'], src='%s/templates/%s.j2' % (WORK, t['name']), dest=t['to'],
        user='root', group='root', mode='644', jinja_env_kwargs={'trim_blocks': True}, **DATA)
    if t['nginx']: nginx.append(operation)
for f in SPEC['copies']:
    files.put(name='file ' + f['to'], src=WORK + '/files/' + f['from'], dest=f['to'], user=f['owner'], group=f['owner'], mode=f['mode'][1:])
nginx.append(files.link(name='link', path=SPEC['link']['path'], target=SPEC['link']['target']))
units = [
    files.put(name='unit ' + s, src='%s/files/%s.service' % (WORK, s), dest='/etc/systemd/system/%s.service' % s, user='root', group='root', mode='644')
    for s in SPEC['services']
]
systemd.daemon_reload(name='reload systemd', _if=some(units))
for s in SPEC['services'] + ['nginx']:
    systemd.service(name='service ' + s, service=s + '.service', running=True, enabled=True)
for l in SPEC['lines']:
    for line in l['lines']:
        files.line(name='line ' + line, path=l['path'], line=line)
for c in SPEC['cron']:
    minute, hour = c['schedule'].split()[:2]
    crontab.crontab(name='crontab ' + c['name'], command=c['run'], cron_name=c['name'], minute=number(minute), hour=number(hour))
systemd.service(name='reload nginx', service='nginx.service', reloaded=True, _if=some(nginx))
