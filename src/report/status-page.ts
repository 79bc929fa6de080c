import type { HostStatus, Status, StatusCluster } from '../model/status.ts'
import { clusterBlock } from './cluster-page.ts'
import { page, type Tile, tileList } from './page.ts'
import { text } from './page-text.ts'
import { plain } from './paint.ts'
import { statusText } from './status-text.ts'

/** What is open in an environment, and how its clusters stand, as one HTML page. */
export function statusPage(status: Status, made: Date): string {
  const { environment, hosts, clusters = [] } = status
  const body = [
    tiles(status),
    ...clusters.map(clusterSection),
    `<section><h2>Hosts</h2><div class="wide"><table>${hosts.map(hostRow).join('')}</table></div></section>`,
    `<section><details><summary>As text</summary><pre><span>${text(statusText(status, plain))}</span></pre></details></section>`,
  ].join('\n')
  return page({ title: `Status of ${environment}`, about: `${hosts.length} hosts`, body, made })
}

function tiles({ hosts, runs, clusters = [] }: Status): string {
  const faults = clusters.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'fault').length
  const lost = hosts.filter(({ unreachable }) => unreachable !== undefined).length
  const out = hosts.filter((host) => (host.out?.length ?? 0) > 0).length
  const all: readonly Tile[] = [
    [hosts.length - lost, `of ${hosts.length} hosts answer`, lost > 0 ? 'trouble' : 'calm'],
    [runs.length, 'unfinished runs', runs.length > 0 ? 'change' : 'calm'],
    [out, 'nodes out of a balancer', out > 0 ? 'trouble' : 'calm'],
    ...(clusters.length > 0 ? [[faults, 'faults of clusters', faults > 0 ? 'trouble' : 'calm'] as const] : []),
  ]
  return tileList(all)
}

function clusterSection(cluster: StatusCluster): string {
  return `<section><h2>Cluster ${text(cluster.name)} <small>${text(cluster.kind)}</small></h2>${clusterBlock(cluster)}</section>`
}

function hostRow({ host, held, owed, out = [], unreachable }: HostStatus): string {
  const said = [
    ...(unreachable === undefined ? [] : [unreachable]),
    ...(held ? [`held by run ${held.run}`] : []),
    ...out.map(({ balancer, why }) => `out of ${balancer}: ${why}`),
    ...owed.map(({ handler, run }) => `owes handler ${handler}, since run ${run}`),
  ]
  const kind = unreachable !== undefined || out.length > 0 ? 'trouble' : said.length > 0 ? 'change' : 'calm'
  return `<tr><th>${text(host)}</th><td class="${kind}">${said.length > 0 ? said.map(text).join('<br>') : 'free'}</td></tr>`
}
