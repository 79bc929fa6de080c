"""The hosts for pyinfra: BENCH_HOSTS has lines of name, address and port."""
import os

login = {
    'ssh_user': 'root',
    'ssh_key': os.environ['BENCH_KEY'],
    'ssh_known_hosts_file': os.environ['BENCH_KNOWN_HOSTS'],
    'ssh_strict_host_key_checking': 'yes',
}
web = [
    (name, {'ssh_hostname': address, 'ssh_port': int(port), **login})
    for name, address, port in (line.split() for line in open(os.environ['BENCH_HOSTS']))
]
